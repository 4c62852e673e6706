import { type FileHandle, stat } from 'node:fs/promises'
import { commandLineOrigin as origin, recordEvent } from '../audit/record.ts'
import { type Clock, toTimestamp } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import { isSqlite } from '../storage/columns.ts'
import { engineMigrations, pendingMigrations } from '../storage/migrate.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Counts, Facts, Manifest } from './manifest.ts'
import { makeFile } from './new-file.ts'
import { withSnapshot } from './postgres-rows.ts'
import { type Part, writeParts } from './sealed-file.ts'
import { copyFile, toFileParts } from './sqlite-copy.ts'

type Dependencies = {
  readonly db: Database
  readonly secrets: Secrets
  readonly random: Random
  readonly clock: Clock
  /** Of Gatewright. */
  readonly version: string
}

type Asked = { readonly to: string; readonly replace: boolean }

export type Backup = {
  readonly manifest: Manifest
  readonly counts: Counts
  readonly bytes: number
  /** False where the tables are of another version, so that no event could be written. */
  readonly recorded: boolean
}

/** Before an update the tables are not those of this version: then nobody is told but by the file. */
const note = async ({ db, clock }: Dependencies, manifest: Manifest, counts: Counts): Promise<boolean> => {
  const pending = await pendingMigrations(db, engineMigrations).catch(() => ['newer'])
  if (pending.length > 0) return false
  const rows = Object.values(counts.tables).reduce((sum, count) => sum + count, 0)
  const details = { sealed_to: manifest.sealed_to, rows }
  await inTransaction(db, work => recordEvent({ clock }, work, 'backup.made', { origin, details }))
  return true
}

const toManifest = (
  { version, secrets }: Dependencies,
  database: Manifest['database'],
  { secretId, ...facts }: Facts,
  madeAt: number,
): Manifest => {
  if (!secrets.ids.includes(secretId))
    throw new Error(
      `the database rests on the secret ${secretId}, which GATEWRIGHT_SECRET does not hold: the backup would be of no use with the secrets here`,
    )
  const made_at = toTimestamp(madeAt)
  return { gatewright: 'backup', format: 1, secret: secretId, database, version, made_at, ...facts }
}

async function* behind(manifest: Manifest, parts: AsyncIterable<Part>): AsyncGenerator<Part> {
  yield { kind: 'json', value: manifest }
  yield* parts
}

type Writing = Dependencies & { readonly file: FileHandle; readonly beside: string }
type Written = { readonly manifest: Manifest; readonly counts: Counts }

const writeSqlite = async ({ file, beside, ...dependencies }: Writing): Promise<Written> => {
  const at = dependencies.clock.now()
  const { facts, counts } = await copyFile(dependencies.db, beside)
  const manifest = toManifest(dependencies, 'sqlite', facts, at)
  const parts = behind(manifest, toFileParts(beside, counts))
  await writeParts(file, dependencies.secrets, manifest.secret, parts)
  return { manifest, counts }
}

const writePostgres = ({ file, ...dependencies }: Writing): Promise<Written> =>
  withSnapshot(dependencies.db, async ({ facts, counts, parts }) => {
    const manifest = toManifest(dependencies, 'postgres', facts, dependencies.clock.now())
    await writeParts(file, dependencies.secrets, manifest.secret, behind(manifest, parts()))
    return { manifest, counts: counts() }
  })

/**
 * Copies the whole database, as it is at one moment, into one file, while servers run and write.
 * @throws Refusal `conflict` where the name is taken; Damaged; whatever the disk or the database refuses
 */
export const makeBackup = async (dependencies: Dependencies, { to, replace }: Asked): Promise<Backup> => {
  const { db, random } = dependencies
  const write = isSqlite(db) ? writeSqlite : writePostgres
  const made = await makeFile(to, { replace, random }, async (file, { beside }) => {
    const { manifest, counts } = await write({ ...dependencies, file, beside })
    return { manifest, counts, recorded: await note(dependencies, manifest, counts) }
  })
  return { ...made, bytes: (await stat(to)).size }
}

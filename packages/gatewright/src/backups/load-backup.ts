import { type Clock, systemClock } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import { isSilent, readProcesses } from '../processes/live-process.ts'
import { databaseFile, isPostgresUrl, openDatabase } from '../storage/database.ts'
import { engineMigrations } from '../storage/migrate.ts'
import type { Database } from '../storage/tables.ts'
import type { Counts, Manifest } from './manifest.ts'
import { holdsTables, loadTables } from './postgres-load.ts'
import { BadFile, type Proven, proveFile, readParts } from './sealed-file.ts'
import { loadFile, standsThere } from './sqlite-load.ts'

type Place = {
  /** As the role that is to own the tables. */
  readonly url: string
  readonly secrets: Secrets
  readonly random: Random
  readonly clock?: Clock
}

type Asked = {
  readonly from: string
  /** What stands there is erased, where no server works on it. */
  readonly erase: boolean
}

const kindOf = (url: string): Manifest['database'] => (isPostgresUrl(url) ? 'postgres' : 'sqlite')
const kindNames = { sqlite: 'SQLite', postgres: 'PostgreSQL' } as const

const checkManifest = ({ database, migrations, version }: Manifest, url: string): void => {
  if (database !== kindOf(url))
    throw new BadFile(
      `it is of a ${kindNames[database]} database, and DATABASE_URL names ${kindNames[kindOf(url)]}: restore it where it came from`,
    )
  const known = Object.keys(engineMigrations.migrations)
  const newer = (migrations[`${engineMigrations.owner}_migrations`] ?? []).find(step => !known.includes(step))
  if (newer !== undefined)
    throw new BadFile(
      `version ${version} made it, with the step ${newer}, which this version does not know: use that version`,
    )
}

/** Reads it to the end before anything is touched. @throws BadFile */
const checkBackup = async (
  { url, secrets }: Place,
  from: string,
): Promise<Proven & { readonly heading: Manifest }> => {
  const { heading, hashes } = await proveFile(from, secrets, 'backup')
  const manifest = heading as Manifest
  checkManifest(manifest, url)
  return { heading: manifest, hashes }
}

const refuseStanding = (what: string): Refusal =>
  new Refusal('conflict', {
    detail: `${what}. A restore goes into an empty place: name another one in DATABASE_URL, or, to lose what stands there, write --erase-what-stands-there.`,
  })

const checkIdle = async (db: Database, clock: Clock): Promise<void> => {
  const live = (await readProcesses(db)).find(
    process => process.kind === 'server' && !isSilent(process, clock.now()),
  )
  if (live !== undefined)
    throw new Refusal('conflict', {
      detail: `A server on ${live.host} works on the database that stands there. Stop every server; one that was killed counts for half a minute.`,
    })
}

/** One that can't be read says nothing of who works on it. */
const readAlone = async (url: string, clock: Clock): Promise<void> => {
  try {
    const db = openDatabase(url, { pool: 1 })
    await checkIdle(db, clock).finally(() => db.destroy())
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('conflict', {
      detail: `What stands there can not be read (${error instanceof Error ? error.message : error}), so nobody knows whether servers work on it: stop them, and move it away.`,
    })
  }
}

const checkFile = async (
  file: string,
  { url, clock = systemClock }: Place,
  { erase }: Asked,
): Promise<void> => {
  if (!standsThere(file)) return
  if (!erase) throw refuseStanding(`There is a database at ${file}`)
  await readAlone(url, clock)
}

const checkTables = async (
  db: Database,
  { url, clock = systemClock }: Place,
  { erase }: Asked,
): Promise<void> => {
  if (!(await holdsTables(db))) return
  if (!erase) throw refuseStanding('The database of DATABASE_URL holds tables')
  await readAlone(url, clock)
}

const loadPostgres = async (place: Place, asked: Asked, proven: Proven): Promise<Counts> => {
  const db = openDatabase(place.url, { pool: 1, longestQuery: 0 })
  try {
    await checkTables(db, place, asked)
    return await loadTables(db, readParts(asked.from, proven), asked)
  } finally {
    await db.destroy()
  }
}

const loadSqlite = async (place: Place, asked: Asked, proven: Proven): Promise<Counts> => {
  const file = databaseFile(place.url)
  await checkFile(file, place, asked)
  const parts = readParts(asked.from, proven)
  return loadFile(file, parts, { erase: asked.erase, random: place.random })
}

/**
 * Puts a backup into an empty place, whole or not at all. No start takes what is there then, before it was adopted
 * (`adoptDatabase`): whatever ended since the backup was made is live in it.
 * @throws BadFile of a file that can't be used; Refusal `conflict` where something stands there
 */
export const loadBackup = async (
  place: Place,
  asked: Asked,
): Promise<{ readonly manifest: Manifest; readonly counts: Counts }> => {
  const proven = await checkBackup(place, asked.from)
  const load = isPostgresUrl(place.url) ? loadPostgres : loadSqlite
  return { manifest: proven.heading, counts: await load(place, asked, proven) }
}

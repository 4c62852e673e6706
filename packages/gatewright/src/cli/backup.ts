import type { Clock } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database } from '../storage/tables.ts'
import { defineCommand, type Result, WrongUse } from './command.ts'

type Opened = {
  readonly db: Database
  readonly secrets: Secrets
  readonly random: Random
  readonly clock: Clock
}

/** Not the engine: it would bring the tables up to date, and a backup is what one makes before that. */
const withDatabase = async <T>(use: (opened: Opened) => Promise<T>): Promise<T> => {
  const { loadStartSettings } = await import('../ground/start-settings.ts')
  const { systemClock } = await import('../ground/clock.ts')
  const { systemRandom: random } = await import('../ground/random.ts')
  const { dataFolderOf, isPostgresUrl, openDatabase } = await import('../storage/database.ts')
  const { openDatabaseClock } = await import('../storage/database-clock.ts')
  const { findDatabase } = await import('../storage/find-database.ts')
  const { openSecrets } = await import('../storage/open-secrets.ts')
  const { databaseUrl, databaseAdminUrl, gatewrightSecret: configured } = loadStartSettings().settings
  await findDatabase(databaseUrl)
  const url = databaseAdminUrl ?? databaseUrl
  await using opened = new AsyncDisposableStack()
  const db = openDatabase(url, { pool: 1, longestQuery: 0 })
  opened.defer(() => db.destroy())
  const clock = isPostgresUrl(url) ? await openDatabaseClock({ db, watch: db }, systemClock) : undefined
  opened.defer(async () => clock?.stop())
  const secrets = await openSecrets({ db, configured, folder: dataFolderOf(databaseUrl), random })
  return await use({ db, secrets, random, clock: clock ?? systemClock })
}

const holds =
  'It holds personal data, hashes of passwords and sealed keys: keep it as safe as the database. GATEWRIGHT_SECRET is not in it, and nothing can be restored without it: keep that somewhere else.'

/** Small, and made every few minutes: what a restore of an older backup has to take away again. */
const writeExport = async (to: string, replace: boolean): Promise<Result> => {
  const { writeRevocations } = await import('../backups/revocations-file.ts')
  const { users, made_at } = await withDatabase(opened => writeRevocations(opened, { to, replace }))
  return {
    text: `Wrote ${to}: what ${users} users hold as of ${made_at}, as ids and fingerprints. Keep it with the backups, away from this machine.`,
    json: { file: to, made_at, users },
  }
}

const writeBackup = async (to: string, replace: boolean): Promise<Result> => {
  const { makeBackup } = await import('../backups/make-backup.ts')
  const { version } = await import('../upkeep/manifest.ts')
  const { manifest, counts, bytes, recorded } = await withDatabase(opened =>
    makeBackup({ ...opened, version }, { to, replace }),
  )
  const users = counts.tables.users ?? 0
  const unrecorded = recorded
    ? ''
    : ' The tables are of another version, so the audit log says nothing of it.'
  return {
    text: `Wrote ${to}: ${users} users, ${bytes} bytes, as of ${manifest.made_at}. ${holds}${unrecorded}`,
    json: { file: to, bytes, made_at: manifest.made_at, sealed_to: manifest.sealed_to, rows: counts.tables },
  }
}

export const backup = defineCommand({
  name: 'backup',
  summary: 'Copies the whole database, as it is at one moment, into one file, while servers run and write.',
  parameters: {},
  options: {
    to: { kind: 'text', value: 'file', describe: 'the file to make' },
    'revocations-to': {
      kind: 'text',
      value: 'file',
      describe:
        'in place of --to: a small file of what everybody holds now, from which “restore --revocations” knows what was taken since a backup',
    },
    replace: { kind: 'flag', describe: 'in place of a file of that name, once the new one is whole' },
  },
  example: 'backup --to gatewright-monday.backup',
  run: async ({ to, 'revocations-to': revocationsTo, replace }) => {
    if (to !== undefined && revocationsTo === undefined) return writeBackup(to, replace)
    if (to === undefined && revocationsTo !== undefined) return writeExport(revocationsTo, replace)
    throw new WrongUse('write backup --to <file>, or backup --revocations-to <file>')
  },
})

import type { Clock } from '../ground/clock.ts'
import type { Sources } from '../ground/load-settings.ts'
import type { Random } from '../ground/random.ts'
import { type Settings, settingRows } from '../ground/settings.ts'
import { databaseFile, dataFolderOf, isPostgresUrl } from '../storage/database.ts'
import type { Database } from '../storage/tables.ts'
import type { DatabaseFacts, Facts } from './facts.ts'

/** What a server has anyhow. */
export type OwnParts = {
  readonly settings: Settings
  readonly sources: Partial<Sources>
  readonly db: Database
  readonly clock: Clock
  readonly random: Random
}

/** Where each setting comes from, as `describeSettings` says it. */
const fillSources = (sources: Partial<Sources>): Sources =>
  // One entry a row: it is made from the rows.
  Object.fromEntries(settingRows.map(({ name }) => [name, sources[name] ?? 'program'])) as Sources

/** The facts of a server that runs: it opens nothing, and what it runs on is up to date. */
export const toOwnFacts = ({
  settings,
  sources,
  db,
  clock,
  random,
}: OwnParts): Facts & { readonly database: DatabaseFacts } => {
  const { databaseUrl } = settings
  const kind = isPostgresUrl(databaseUrl) ? 'postgres' : 'sqlite'
  const machine = { clock, random, settingsProblems: [] }
  const open = { db, pending: [] }
  // Nothing that is shown names the server: its address has a password.
  const name = kind === 'sqlite' ? databaseFile(databaseUrl) : 'the database'
  const found = {
    ...machine,
    settings,
    sources: fillSources(sources),
    folder: dataFolderOf(databaseUrl),
    database: { kind, name, state: 'open', ...open },
  } as const
  const database = { ...found, ...open }
  return { machine, settings: found, database, tables: database }
}

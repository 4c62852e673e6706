import { existsSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../ground/clock.ts'
import { type LoadedSettings, SettingsError } from '../ground/load-settings.ts'
import { parsePostgresAddress } from '../ground/postgres-address.ts'
import type { Random } from '../ground/random.ts'
import { showAddress } from '../storage/connection-failure.ts'
import { databaseFile, dataFolderOf, isPostgresUrl, openDatabase } from '../storage/database.ts'
import { engineMigrations, pendingMigrations } from '../storage/migrate.ts'
import { openSqlite } from '../storage/sqlite-connection.ts'
import { openKysely } from '../storage/sqlite-dialect.ts'
import type { Database } from '../storage/tables.ts'

export type Source = {
  /** Reads the settings; throws a SettingsError where they can't be used. */
  readonly read: () => LoadedSettings
  readonly clock: Clock
  readonly random: Random
  /** How the name in `PUBLIC_URL` becomes an address; without it, as for every program on this machine. */
  readonly lookup?: LookupFunction
}

export type MachineFacts = Omit<Source, 'read'> & { readonly settingsProblems: readonly string[] }

export type SettingsFacts = MachineFacts &
  LoadedSettings & { readonly folder: string; readonly database: OpenedDatabase }

export type DatabaseFacts = SettingsFacts & { readonly db: Database; readonly pending: readonly string[] }

/** A file of SQLite, or a database on a server. */
export type DatabaseKind = 'sqlite' | 'postgres'

type OpenedDatabase = {
  readonly kind: DatabaseKind
  /** The file, or the address without its password. */
  readonly name: string
} & (
  | { readonly state: 'missing' }
  | { readonly state: 'unusable'; readonly why: string }
  | { readonly state: 'open'; readonly db: Database; readonly pending: readonly string[] }
)

/** What checks are made on. What is undefined could not be had, so checks that need it are not made. */
export type Facts = {
  readonly machine: MachineFacts
  readonly settings: SettingsFacts | undefined
  readonly database: DatabaseFacts | undefined
  /** As `database`, where the tables of this version are there. */
  readonly tables: DatabaseFacts | undefined
}

/**
 * Collects the facts, runs `use` on them and closes what was opened. Nothing is made or changed: a database
 * that is not there is not made, and one that is not in WAL mode is left as it is.
 */
export const withFacts = async <T>(
  { read, ...given }: Source,
  use: (facts: Facts) => Promise<T>,
): Promise<T> => {
  const machine = { ...given, settingsProblems: [] }
  const loaded = tryRead(read)
  if (loaded instanceof SettingsError)
    return use({
      machine: { ...machine, settingsProblems: loaded.lines },
      settings: undefined,
      database: undefined,
      tables: undefined,
    })
  const { databaseUrl } = loaded.settings
  const database = await (isPostgresUrl(databaseUrl)
    ? openOnServer(databaseUrl)
    : openAsItIs(databaseFile(databaseUrl)))
  const settings = { ...machine, ...loaded, database, folder: dataFolderOf(databaseUrl) }
  if (database.state !== 'open') return use({ machine, settings, database: undefined, tables: undefined })
  const { db, pending } = database
  const all = { ...settings, db, pending }
  try {
    return await use({ machine, settings, database: all, tables: pending.length === 0 ? all : undefined })
  } finally {
    await db.destroy()
  }
}

const tryRead = (read: Source['read']): LoadedSettings | SettingsError => {
  try {
    return read()
  } catch (error) {
    if (error instanceof SettingsError) return error
    throw error
  }
}

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const openAsItIs = async (file: string): Promise<OpenedDatabase> => {
  const which = { kind: 'sqlite', name: file } as const
  if (!existsSync(file)) return { ...which, state: 'missing' }
  try {
    const db = openKysely(openFile(file))
    return { ...which, state: 'open', db, pending: await pendingMigrations(db, engineMigrations) }
  } catch (error) {
    return { ...which, state: 'unusable', why: whyOf(error) }
  }
}

const openOnServer = async (url: string): Promise<OpenedDatabase> => {
  const address = parsePostgresAddress(url)
  const which = { kind: 'postgres', name: address === undefined ? '' : showAddress(address) } as const
  let db: Database | undefined
  try {
    db = openDatabase(url, { pool: 2 })
    return { ...which, state: 'open', db, pending: await pendingMigrations(db, engineMigrations) }
  } catch (error) {
    await db?.destroy()
    return { ...which, state: 'unusable', why: whyOf(error) }
  }
}

/** As the server opens it; but that would change the mode, where it is not WAL. */
const openFile = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file)
  const { journal_mode: mode } = database.prepare('pragma journal_mode').get() ?? {}
  if (mode !== 'wal') return database
  database.close()
  return openSqlite(file, 'full')
}

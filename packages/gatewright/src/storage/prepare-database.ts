import { sql } from 'kysely'
import { productionReasons } from '../ground/production-rules.ts'
import type { Settings } from '../ground/settings.ts'
import { ConnectionFailure } from './connection-failure.ts'
import { isPostgresUrl, openDatabase } from './database.ts'
import { findTlsWarnings } from './database-tls.ts'
import { grantTo } from './grants.ts'
import { type MigrationSet, migrate } from './migrate.ts'
import { findFaults, findWeakenings, readServerFacts, type ServerFacts } from './postgres-server.ts'
import type { Durability } from './sqlite-connection.ts'
import { isForbidden } from './sqlstate.ts'
import type { Database } from './tables.ts'

type Input = {
  readonly settings: Settings
  readonly migrations: readonly MigrationSet[]
  /** `off`: the caller, a test, wants none. */
  readonly durability?: Durability
}

/** Its first step makes tables; SQLite has no code for one that is there. */
const explainForeign = (error: unknown): unknown =>
  error instanceof Error &&
  (('code' in error && error.code === '42P07') || /^table "?\w+"? already exists/.test(error.message))
    ? new Error(
        'the database of DATABASE_URL holds tables of another program: write the address of one that is empty, or of Gatewright',
        { cause: error },
      )
    : error

/** Gives a warning for each set that a newer version has changed. */
const migrateAll = async (db: Database, sets: readonly MigrationSet[]): Promise<readonly string[]> => {
  const warnings: string[] = []
  for (const set of sets) {
    const newer = await migrate(db, set).catch(error => {
      throw explainForeign(error)
    })
    if (newer.length > 0)
      warnings.push(
        `the tables of ${set.owner} are those of a newer version (${newer.join(', ')}), and this one goes on with them as they are`,
      )
  }
  return warnings
}

/** Stops at a server that can't be used, in production also at one that forgets. Gives what to warn of. */
const checkServer = (facts: ServerFacts, { settings, durability = 'full' }: Input): readonly string[] => {
  const weakenings = findWeakenings(facts)
  const isProduction = productionReasons(settings).length > 0
  const stops = [...findFaults(facts), ...(isProduction && durability === 'full' ? weakenings : [])]
  if (stops.length > 0) throw new Error(stops.join('; '))
  return [...weakenings, ...(isProduction ? findTlsWarnings(settings) : [])]
}

/** The server since its start, and the database on it: a pooler between does not hide which it is. */
const readIdentity = async (db: Database): Promise<string> => {
  const { rows } = await sql<{ identity: string }>`
    select concat(pg_postmaster_start_time(), ' ', oid) as identity
    from pg_database where datname = current_database()`.execute(db)
  return rows[0]?.identity ?? ''
}

const checkSameDatabase = async (db: Database, owner: Database): Promise<void> => {
  if ((await readIdentity(db)) !== (await readIdentity(owner)))
    throw new Error(
      'DATABASE_URL and DATABASE_ADMIN_URL name two different databases: write the same host and database in both, with another role',
    )
}

const explainForbidden = (error: unknown, role: string, setting: string): unknown =>
  isForbidden(error)
    ? new Error(
        `the tables are not those of this version, and the role ${role} of ${setting} may not change them: write DATABASE_ADMIN_URL, the address as the role that owns them, for one start`,
        { cause: error },
      )
    : error

/** Which of the two addresses it was. */
const named = async <T>(setting: string, asked: Promise<T>): Promise<T> => {
  try {
    return await asked
  } catch (error) {
    throw error instanceof ConnectionFailure
      ? new ConnectionFailure(`${setting}: ${error.message}`, { cause: error })
      : error
  }
}

/** Migrates over a connection of its own, which is given all the time it needs. */
const preparePostgres = async (
  db: Database,
  { settings, migrations }: Input,
  { role }: ServerFacts,
): Promise<readonly string[]> => {
  const { databaseUrl, databaseAdminUrl } = settings
  const owner = openDatabase(databaseAdminUrl ?? databaseUrl, { pool: 1, longestQuery: 0 })
  try {
    const setting = databaseAdminUrl === undefined ? 'DATABASE_URL' : 'DATABASE_ADMIN_URL'
    const { role: ownerRole } = await named(setting, readServerFacts(owner))
    if (databaseAdminUrl !== undefined) await checkSameDatabase(db, owner)
    const warnings = await migrateAll(owner, migrations).catch(error => {
      throw explainForbidden(error, ownerRole, setting)
    })
    // A newer version has granted what its tables need, which this one does not know.
    if (role !== ownerRole && warnings.length === 0) await grantTo(owner, role)
    return warnings
  } finally {
    await owner.destroy()
  }
}

/**
 * Brings the tables up to date: as the role of `DATABASE_ADMIN_URL` where there is one, which then grants
 * the server's role what it needs. Any number of processes may do this at once.
 * @returns what a start should warn of, one line each
 * @throws Error in one line, where the server, the roles or the tables can't be used
 */
export const prepareDatabase = async (db: Database, input: Input): Promise<readonly string[]> => {
  if (!isPostgresUrl(input.settings.databaseUrl)) return migrateAll(db, input.migrations)
  const facts = await named('DATABASE_URL', readServerFacts(db))
  const warnings = checkServer(facts, input)
  return [...warnings, ...(await preparePostgres(db, input, facts))]
}

import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import pg from 'pg'

/** How long a process waits for a connection of the pool, and for the answer to one statement. */
const longestConnect = 5_000
const longestQuery = 15_000

/**
 * What holds whatever a role's defaults are. A commit is durable before it is answered (a role that asks
 * for more, `remote_apply`, is left alone). Nobody waits for ever behind a lock, or holds one.
 */
const setDefaults = (local: boolean): string => `select
  set_config('lock_timeout', '5s', ${local}), set_config('statement_timeout', '15s', ${local}),
  set_config('idle_in_transaction_session_timeout', '15s', ${local}),
  set_config('synchronous_commit',
    case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, ${local})`

/**
 * Begins at the isolation that our statements are written for. The defaults are set for the transaction
 * as well, so they also hold behind a pooler that lends another connection to each.
 */
const begin = `begin isolation level read committed; ${setDefaults(true)}`

class DurablePostgresDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(begin))
  }
}

/** Numbers of 64 bits (times, places, counts) come as numbers; one that a number can't hold is no number. */
const parseInt8 = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`the database gave ${text}, which is too large`)
  return value
}

const { INT8 } = pg.types.builtins
const types: pg.CustomTypesConfig = {
  getTypeParser: (id, format) =>
    id === INT8 && format !== 'binary' ? parseInt8 : pg.types.getTypeParser(id, format),
}

/**
 * A statement on its own is a transaction as well. And a connection that breaks says so twice: to whoever
 * waits for an answer, and as an event, which would end the process if nobody heard it.
 */
const greet = async (client: pg.ClientBase): Promise<void> => {
  client.on('error', () => {})
  await client.query(setDefaults(false))
}

/**
 * Opens a pool; no connection is made yet. A connection that breaks while nobody uses it is dropped, and
 * the next query makes another: without a listener it would end the process.
 */
export const openPostgres = (url: string, size: number): pg.Pool =>
  new pg.Pool({
    connectionString: url,
    max: size,
    types,
    application_name: 'gatewright',
    connectionTimeoutMillis: longestConnect,
    query_timeout: longestQuery,
    keepAlive: true,
    onConnect: greet,
  }).on('error', () => {})

/** Kysely's dialect over a pool of `pg`. */
export const createPostgresDialect = (pool: pg.Pool): Dialect => ({
  createAdapter: () => new PostgresAdapter(),
  createDriver: () => new DurablePostgresDriver({ pool }),
  createIntrospector: db => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
})

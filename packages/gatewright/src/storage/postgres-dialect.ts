import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  PostgresAdapter,
  PostgresDriver,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { type PostgresAddress, parsePostgresAddress } from '../ground/postgres-address.ts'
import { toConnectionFailure } from './connection-failure.ts'
import type { DatabaseFigures } from './database-figures.ts'
import { type OpenPool, openPool } from './postgres-pool.ts'

export type PostgresOptions = {
  /** The most connections at once. */
  readonly pool?: number
  /** The longest a statement may run, in milliseconds. 0: as long as it takes, for migrations. */
  readonly longestQuery?: number
  /** The longest a server may be silent before its connection is given up, in milliseconds. */
  readonly longestSilence?: number
  /** The longest to wait for a connection, in milliseconds. */
  readonly longestConnect?: number
}

/** The server ends a statement in time by itself; one that is silent for so much longer is gone. */
const grace = 1_000
/** How long closing waits for those who have a connection. */
const longestEnd = 2_000

/**
 * What holds whatever a role's defaults are. A commit is durable before it is answered (a role that asks
 * for more, `remote_apply`, is left alone). Nobody waits for ever behind a lock, or holds one.
 */
const setDefaults = (longestQuery: number, local: boolean): string => `select
  set_config('lock_timeout', '5s', ${local}), set_config('statement_timeout', '${longestQuery}', ${local}),
  set_config('idle_in_transaction_session_timeout', '15s', ${local}),
  set_config('synchronous_commit',
    case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, ${local})`

/** Our statements are written for this isolation. */
const isolation = 'isolation level read committed'

class DurablePostgresDriver extends PostgresDriver {
  readonly #address: PostgresAddress
  readonly #begin: string
  readonly #breakAll: OpenPool['breakAll']
  readonly #pool: OpenPool['pool']

  constructor(address: PostgresAddress, options: PostgresOptions) {
    const { pool: size = 10, longestQuery = 15_000, longestConnect = 5_000 } = options
    const { longestSilence = longestQuery && longestQuery + grace } = options
    const greeting = `set session characteristics as transaction ${isolation}; ${setDefaults(longestQuery, false)}`
    const { pool, breakAll } = openPool(address, { size, longestConnect, longestSilence, greeting })
    super({ pool })
    this.#address = address
    this.#breakAll = breakAll
    this.#pool = pool
    // In each transaction again: a pooler between may lend another connection to each.
    this.#begin = `begin ${isolation}; ${setDefaults(longestQuery, true)}`
  }

  /** Also those that somebody has: what they ask fails. */
  breakAll(): void {
    this.#breakAll()
  }

  figures(): DatabaseFigures {
    const { totalCount, idleCount, waitingCount } = this.#pool
    return { inUse: totalCount - idleCount, waiting: waitingCount }
  }

  override async acquireConnection(): ReturnType<PostgresDriver['acquireConnection']> {
    try {
      return await super.acquireConnection()
    } catch (error) {
      throw toConnectionFailure(error, this.#address)
    }
  }

  override async destroy(): Promise<void> {
    const ended = super.destroy().then(() => true)
    const isEnded = await Promise.race([ended, delay(longestEnd, false, { ref: false })])
    if (!isEnded) this.#breakAll()
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw(this.#begin))
    } catch (error) {
      // It may have begun. A connection that can't roll back is never used again.
      await this.rollbackTransaction(
        connection as Parameters<PostgresDriver['rollbackTransaction']>[0],
      ).catch(() => {})
      throw error
    }
  }
}

/**
 * Kysely's dialect over a pool of `pg`. No connection is made yet.
 * @throws Error where a certificate file of the address can't be read
 */
export const createPostgresDialect = (
  url: string,
  options: PostgresOptions = {},
): Dialect & { readonly breakAll: () => void; readonly figures: () => DatabaseFigures } => {
  const address = parsePostgresAddress(url)
  if (address === undefined) throw new TypeError('not the address of a PostgreSQL database')
  const driver = new DurablePostgresDriver(address, options)
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driver,
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    breakAll: () => driver.breakAll(),
    figures: () => driver.figures(),
  }
}

import { sql } from 'kysely'
import type { CounterStore } from '../../packages/gatewright/src/limits/counter-store.ts'
import { createSqlCounters } from '../../packages/gatewright/src/limits/sql-counters.ts'
import { createValkeyCounters, limitScripts } from '../../packages/gatewright/src/limits/valkey-counters.ts'
import { openDatabases } from '../../packages/gatewright/src/storage/database.ts'
import { engineMigrations, migrate } from '../../packages/gatewright/src/storage/migrate.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { openValkeyScripts } from '../../packages/gatewright/src/storage/valkey.ts'
import { makeTemporaryDatabase } from '../../packages/gatewright/src/testing/temporary-database.ts'
import { testsDatabase } from '../environment.ts'

/** A home of counters as several processes reach it, each over connections of its own. */
export type Home = {
  readonly stores: readonly CounterStore[]
  /** As another version, or a broken clock, would leave it. */
  readonly put: (key: string, tat: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** @param server the address of a PostgreSQL server; without one, SQLite */
export const openSqlHome = async (
  processes: number,
  server = testsDatabase.kind === 'postgres' ? testsDatabase.server : undefined,
): Promise<Home & { db: Database }> => {
  const database = await makeTemporaryDatabase(server)
  const opened = Array.from({ length: processes }, () =>
    openDatabases({ databaseUrl: database.url, databasePool: 10 }, 'off'),
  )
  const [first] = opened
  if (first === undefined) throw new TypeError('one process at least')
  await migrate(first.db, engineMigrations)
  return {
    db: first.db,
    stores: opened.map(({ db }) => createSqlCounters(db)),
    put: async (key, tat) => {
      await first.db
        .insertInto('limit_counters')
        .values({ key, tat })
        .onConflict(conflict => conflict.column('key').doUpdateSet({ tat: sql.ref('excluded.tat') }))
        .execute()
    },
    close: async () => {
      await Promise.all(opened.map(({ close }) => close()))
      await database.drop()
    },
  }
}

export const openValkeyHome = async (url: string, epoch: string, processes: number): Promise<Home> => {
  const opened = await Promise.all(
    Array.from({ length: processes }, () => openValkeyScripts(url, limitScripts)),
  )
  return {
    stores: opened.map(scripts => createValkeyCounters(scripts, epoch)),
    put: async (key, tat) => {
      await opened[0]?.run(
        `return redis.call('SET', KEYS[1], ARGV[1])`,
        [`gatewright:{${epoch}}:limit:${key}`],
        [String(tat)],
      )
    },
    close: async () => {
      for (const { close } of opened) close()
    },
  }
}

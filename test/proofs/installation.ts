import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { type Folder, newFolder, type Server, startServer } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'

export type Row = Readonly<Record<string, unknown>>

/** Servers and commands on one database whose durability is on, and what is killed there. */
export type Installation = {
  readonly folder: Folder
  readonly env: Readonly<Record<string, string>>
  /** Reads and writes beside the server, by a connection of its own. */
  readonly query: (sql: string) => Promise<readonly Row[]>
  /** Looks for damage in the files of the database itself. */
  readonly findDamage: () => Promise<readonly string[]>
  /** Nothing of what is killed runs on when this returns. */
  readonly kill: () => void
  /** Brings up again what was killed, and a server that knows nothing but what the database says. */
  readonly recover: (server: Server) => Promise<Server>
}

export type Owner = { readonly after: (end: () => Promise<void>) => void }

/** Limits and windows are not what is proved: a slow machine gets its time. */
const patient = {
  PUBLIC_URL: 'http://localhost:3000',
  ACCESS_LOG: 'off',
  REFRESH_RETRY_WINDOW: '1m',
  ACCESS_TOKEN_TTL: '1h',
}

const killPrograms = ({ programs }: Folder): void => {
  for (const program of programs) program.kill('SIGKILL')
}

/** Where the server, and every command that runs beside it, is killed. */
const killingTheServer = (folder: Folder, env: Installation['env']) => ({
  kill: () => killPrograms(folder),
  recover: async ({ ended }: Server): Promise<Server> => {
    assert.equal((await ended).signal, 'SIGKILL')
    return startServer(folder, { env })
  },
})

export const openSqlite = async (owner: Owner): Promise<Installation> => {
  const folder = newFolder(owner)
  const file = join(folder.path, 'data/gatewright.db')
  const query = async (sql: string): Promise<readonly Row[]> => {
    const database = new DatabaseSync(file, { timeout: 5_000 })
    try {
      return database.prepare(sql).all()
    } finally {
      database.close()
    }
  }
  return {
    folder,
    env: patient,
    query,
    findDamage: async () => {
      const rows = [...(await query('pragma integrity_check')), ...(await query('pragma foreign_key_check'))]
      return rows.filter(row => row.integrity_check !== 'ok').map(row => JSON.stringify(row))
    },
    ...killingTheServer(folder, patient),
  }
}

/**
 * Durable as PostgreSQL is by itself, but for the worst default that a role may have: a commit is
 * answered before it is written, and written as late as can be. Only what asks for more is durable.
 */
const laxServer = { flags: ['-c', 'synchronous_commit=off', '-c', 'wal_writer_delay=10s'] }

/** Compares every index of ours with its table. */
const checkIndexes = `select bt_index_check(pg_class.oid, true) from pg_index
  join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
  join pg_namespace on pg_namespace.oid = relnamespace where amname = 'btree' and nspname = 'public'`

const openOn = async (owner: Owner) => {
  const postgres = await startPostgres(laxServer)
  owner.after(postgres.stop)
  const folder = newFolder(owner)
  const pool = new pg.Pool({ connectionString: postgres.url, max: 4 }).on('error', () => {})
  owner.after(() => pool.end())
  await pool.query('create extension amcheck')
  const query = async (sql: string): Promise<readonly Row[]> => (await pool.query<Row>(sql)).rows
  const findDamage = () =>
    query(checkIndexes).then(
      () => [],
      error => [String(error)],
    )
  return { postgres, folder, env: { ...patient, DATABASE_URL: postgres.url }, query, findDamage }
}

/** A commit that was sent in time still happens: until then nobody can say what has become of a request. */
const untilNobodyWorks = async ({ query }: Pick<Installation, 'query'>): Promise<void> => {
  const isIdle = async () =>
    (await query(`select 1 from pg_stat_activity where application_name = 'gatewright'`)).length === 0
  await until('PostgreSQL is done with the killed server', isIdle, 20_000)
}

export const openPostgres = async (owner: Owner): Promise<Installation> => {
  const { postgres: _, ...installation } = await openOn(owner)
  const { kill, recover } = killingTheServer(installation.folder, installation.env)
  return {
    ...installation,
    kill,
    recover: async server => {
      await server.ended
      await untilNobodyWorks(installation)
      return recover(server)
    },
  }
}

/**
 * The database server crashes under a server that goes on: it has to find its way back without a
 * restart. What is durable is then asked of a new one.
 */
const killingPostgres = (postgres: PostgresServer, folder: Folder, env: Installation['env']) => {
  let ended: Promise<void> | undefined
  return {
    kill: () => {
      ended = postgres.crash()
    },
    recover: async (survivor: Server): Promise<Server> => {
      await ended
      await postgres.restart()
      let hasEnded = false
      void survivor.ended.then(() => {
        hasEnded = true
      })
      const isReady = (): Promise<boolean> => {
        assert.ok(!hasEnded, `the server ended with its database: ${survivor.stderr()}`)
        return survivor.call('GET', '/readyz').then(
          ({ status }) => status === 200,
          () => false,
        )
      }
      await until('the server has its database back', isReady, 20_000)
      await survivor.stop()
      return startServer(folder, { env })
    },
  }
}

export const openCrashingPostgres = async (owner: Owner): Promise<Installation> => {
  const { postgres, ...installation } = await openOn(owner)
  return { ...installation, ...killingPostgres(postgres, installation.folder, installation.env) }
}

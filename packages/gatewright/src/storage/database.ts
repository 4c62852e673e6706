import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Kysely } from 'kysely'
import { second } from '../ground/clock.ts'
import { codeOf } from '../ground/error-code.ts'
import type { Settings } from '../ground/settings.ts'
import { giveDatabaseFigures } from './database-figures.ts'
import { explainDenied } from './denied.ts'
import { checkLog } from './identity.ts'
import { createPostgresDialect, type PostgresOptions } from './postgres-dialect.ts'
import { type Durability, openSqlite } from './sqlite-connection.ts'
import { openKysely } from './sqlite-dialect.ts'
import { type OpenFile, watchFile } from './sqlite-file.ts'
import type { Database, Tables } from './tables.ts'

/** Whether a `DATABASE_URL` names a PostgreSQL server. */
export const isPostgresUrl = (url: string): boolean => /^postgres(ql)?:/.test(url)

/** The file that a `DATABASE_URL` such as `sqlite:./data/gatewright.db` names. */
export const databaseFile = (url: string): string => url.slice('sqlite:'.length)

/** Where what is made on a first start is kept: beside the SQLite file, else in `./data`. */
export const dataFolderOf = (url: string): string =>
  isPostgresUrl(url) ? './data' : dirname(databaseFile(url))

const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw ['EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '')
      ? new Error(`${folder} is no folder: write another path`)
      : error
  }
}

/** Makes the folder of a file, for its owner only. */
export const makeFolderOf = (file: string): void => makeFolder(dirname(file))

/** SQLite opens a file that it may not write, and fails only later. */
const checkFile = (file: string): void => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isDirectory()) throw new Error('it is a folder: write the path of a file in it')
  if (found !== undefined) accessSync(file, constants.R_OK | constants.W_OK)
}

/** The database, its log of writes, and what processes share of it. */
const keepToOwner = (file: string): void => {
  for (const part of ['', '-wal', '-shm']) chmodSync(`${file}${part}`, 0o600)
}

const permissions =
  'this user may not read and write it: give it and its folder to the one that runs the server'

/** By the code of the system, or SQLite's, what to do. */
const openings: Readonly<Record<string | number, string>> = {
  EACCES: permissions,
  EPERM: permissions,
  EROFS:
    'its disk may only be read: write the path of a file on another one, or mount that one to be written',
  ENOSPC: 'its disk is full: make room',
  5: 'another program holds it: stop that one',
  8: permissions,
  10: 'its disk fails, or takes no write',
  13: 'its disk is full: make room',
  14: permissions,
  26: 'it is no database: write the path of another file, or put the backup back',
}

const explainOpening = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { errcode, code } = error as { readonly errcode?: number; readonly code?: string }
  return openings[errcode === undefined ? (code ?? '') : errcode & 0xff] ?? error.message
}

type Opened = { readonly db: Database; readonly file?: OpenFile; readonly breakAll?: () => void }

/** Makes the file and its folder (for their owner only) where there is none. */
const openFile = (file: string, durability: Durability): Opened => {
  try {
    makeFolder(dirname(file))
    checkFile(file)
    checkLog(file)
    const database = openSqlite(file, durability)
    keepToOwner(file)
    const opened = watchFile(file)
    return { db: openKysely(database, { file: opened }), file: opened }
  } catch (error) {
    // What has no code is our own, and says what it is.
    const denied = error instanceof Error && 'code' in error ? explainDenied(file) : undefined
    const why = denied ?? explainOpening(error)
    throw new Error(`the database of DATABASE_URL can't be opened: ${file}: ${why}`, { cause: error })
  }
}

export type OpenOptions = PostgresOptions & {
  /** For SQLite: how hard a commit is. PostgreSQL's is always durable. */
  readonly durability?: Durability
}

const openServer = (url: string, options: PostgresOptions): Opened => {
  const dialect = createPostgresDialect(url, options)
  const db = giveDatabaseFigures(new Kysely<Tables>({ dialect }), dialect.figures)
  return { db, breakAll: dialect.breakAll }
}

const openOne = (url: string, { durability = 'full', ...options }: OpenOptions): Opened =>
  isPostgresUrl(url) ? openServer(url, options) : openFile(databaseFile(url), durability)

/** Opens the database of a `DATABASE_URL`. Close it with `db.destroy()`. */
export const openDatabase = (url: string, options: OpenOptions = {}): Database => openOne(url, options).db

const watchConnections = 2

/** How many connections to PostgreSQL a process opens beside `DATABASE_POOL`: one more listens. */
export const extraConnections = watchConnections + 1

/** The catch-up read ends in time, and a connection that does not answer is given up for a new one. */
const watching = {
  pool: watchConnections,
  longestQuery: second,
  longestSilence: second,
  longestConnect: second,
} as const satisfies PostgresOptions

export type Databases = {
  readonly db: Database
  /**
   * For what has to go on while requests hold all connections: the feed of cut-offs, the time, the check of
   * readiness. On SQLite, with its one connection, the same as `db`.
   */
  readonly watch: Database
  /** SQLite's. */
  readonly file?: OpenFile
  /** PostgreSQL's: ends the connections of `db`, which are made anew, maybe to another server. */
  readonly breakConnections?: () => void
  readonly close: () => Promise<void>
}

/** Opens what a process needs of its database. */
export const openDatabases = (
  { databaseUrl, databasePool }: Pick<Settings, 'databaseUrl' | 'databasePool'>,
  durability: Durability,
): Databases => {
  const { db, file, breakAll } = openOne(databaseUrl, { durability, pool: databasePool })
  const watch = isPostgresUrl(databaseUrl) ? openDatabase(databaseUrl, watching) : db
  return {
    db,
    watch,
    ...(file && { file }),
    ...(breakAll && { breakConnections: breakAll }),
    close: async () => void (await Promise.all([db.destroy(), watch.destroy()])),
  }
}

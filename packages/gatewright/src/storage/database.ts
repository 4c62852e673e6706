import { chmodSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Kysely } from 'kysely'
import { createSqliteDialect, type Durability, openSqlite } from './sqlite-dialect.ts'
import type { Database, Tables } from './tables.ts'

/** The file that a `DATABASE_URL` such as `sqlite:./data/gatewright.db` names. */
export const databaseFile = (url: string): string => url.slice('sqlite:'.length)

/**
 * Opens the database, making the file and its folder (for their owner only) where there is none.
 * Close it with `db.destroy()`.
 */
export const openDatabase = (url: string, durability: Durability = 'full'): Database => {
  const file = databaseFile(url)
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const database = openSqlite(file, durability)
    // WAL and shared-memory files take the mode of the database file.
    chmodSync(file, 0o600)
    return new Kysely<Tables>({ dialect: createSqliteDialect(database) })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`the database of DATABASE_URL can't be opened: ${file}: ${why}`, { cause: error })
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blogMigrations } from '../apps/blog/src/migrations.ts'
import { openDatabase } from '../packages/gatewright/src/storage/database.ts'
import { engineMigrations, migrate } from '../packages/gatewright/src/storage/migrate.ts'
import { query } from './postgres/query.ts'

/** A database on each kind as the migrations of the engine and of the blog leave it: no process was ever on it. */
export type Migrated = {
  /** The path of a file. */
  readonly sqlite: string
  /** The name of a database. */
  readonly postgres: string
  readonly remove: () => void
}

const migrateBlog = async (url: string): Promise<void> => {
  const db = openDatabase(url, { pool: 1, durability: 'off' })
  for (const set of [engineMigrations, blogMigrations]) await migrate(db, set)
  await db.destroy()
}

/** Nearly every test begins with these tables: to copy them costs a fraction of making them. */
export const makeMigrated = async (server: string): Promise<Migrated> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-migrated-'))
  const sqlite = join(folder, 'migrated.db')
  const postgres = 'gatewright_migrated'
  await query(server, `create database ${postgres}`)
  const onServer = new URL(server)
  onServer.pathname = `/${postgres}`
  await Promise.all([`sqlite:${sqlite}`, onServer.href].map(migrateBlog))
  return { sqlite, postgres, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

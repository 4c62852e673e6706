import { existsSync } from 'node:fs'
import { Refusal } from '../ground/refusal.ts'
import { databaseFile, isPostgresUrl, openDatabase } from './database.ts'
import { engineMigrations, pendingMigrations } from './migrate.ts'
import { isForbidden } from './sqlstate.ts'

const holdsTables = async (url: string): Promise<boolean> => {
  const db = openDatabase(url, { pool: 1 })
  try {
    const pending = await pendingMigrations(db, engineMigrations)
    return pending.length < Object.keys(engineMigrations.migrations).length
  } catch (error) {
    // They are there, and the role is not granted anything yet: so it is when a restore has just put them back.
    if (isForbidden(error)) return true
    throw error
  } finally {
    await db.destroy()
  }
}

/**
 * Makes sure that a start was here before: a wrong path or name would look like an empty installation.
 * @throws Refusal `not_found`
 */
export const findDatabase = async (url: string): Promise<void> => {
  const isServer = isPostgresUrl(url)
  if (isServer ? await holdsTables(url) : existsSync(databaseFile(url))) return
  const what = isServer
    ? 'The database of DATABASE_URL holds no tables of Gatewright'
    : `There is no database at ${databaseFile(url)}`
  throw new Refusal('not_found', {
    detail: `${what}. The first start makes it; if there should be one, check DATABASE_URL${isServer ? '' : ' and the working folder'}.`,
  })
}

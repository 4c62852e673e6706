import { existsSync, statSync } from 'node:fs'
import { type Migrated, makeMigrated } from './migrated.ts'
import { findPlace } from './postgres/place.ts'
import { type PostgresServer, startPostgres } from './postgres/server.ts'

let server: PostgresServer | undefined
let migrated: Migrated | undefined

/** The data of whoever runs the tests: no test touches it. */
const ownData = new URL('../data/secret', import.meta.url)
const ageOfOwnData = (): number | undefined => (existsSync(ownData) ? statSync(ownData).mtimeMs : undefined)
let before: number | undefined

/** Runs once before all test files of a run: one PostgreSQL server for all of them, and tables to copy. */
export const globalSetup = async (): Promise<void> => {
  before = ageOfOwnData()
  server = await startPostgres({ place: findPlace() })
  migrated = await makeMigrated(server.url)
  process.env.TEST_POSTGRES = server.url
  process.env.TEST_MIGRATED_SQLITE = migrated.sqlite
  process.env.TEST_MIGRATED_POSTGRES = migrated.postgres
}

export const globalTeardown = async (): Promise<void> => {
  await server?.stop()
  migrated?.remove()
  if (ageOfOwnData() !== before) throw new Error('a test has written into ./data, which is not its own')
}

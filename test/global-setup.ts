import { existsSync, statSync } from 'node:fs'
import { type PostgresServer, startPostgres } from './postgres/server.ts'

let server: PostgresServer | undefined

/** The data of whoever runs the tests: no test touches it. */
const ownData = new URL('../data/secret', import.meta.url)
const ageOfOwnData = (): number | undefined => (existsSync(ownData) ? statSync(ownData).mtimeMs : undefined)
let before: number | undefined

/** Runs once before all test files of a run: one PostgreSQL server for all of them. */
export const globalSetup = async (): Promise<void> => {
  before = ageOfOwnData()
  server = await startPostgres()
  process.env.TEST_POSTGRES = server.url
}

export const globalTeardown = async (): Promise<void> => {
  await server?.stop()
  if (ageOfOwnData() !== before) throw new Error('a test has written into ./data, which is not its own')
}

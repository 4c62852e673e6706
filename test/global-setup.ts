import { type PostgresServer, startPostgres } from './postgres/server.ts'

let server: PostgresServer | undefined

/** Runs once before all test files of a run: one PostgreSQL server for all of them. */
export const globalSetup = async (): Promise<void> => {
  server = await startPostgres()
  process.env.TEST_POSTGRES = server.url
}

export const globalTeardown = async (): Promise<void> => {
  await server?.stop()
}

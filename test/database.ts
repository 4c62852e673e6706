import {
  makeTemporaryDatabase,
  type TemporaryDatabase,
} from '../packages/gatewright/src/testing/temporary-database.ts'
import { testsDatabase } from './environment.ts'

/** The server that all files of a run share (test/global-setup.ts). */
const getServer = (): string => {
  if (testsDatabase.server !== undefined) return testsDatabase.server
  throw new Error('there is no PostgreSQL server: run node test/run.ts <file>')
}

const make = (from?: string): Promise<TemporaryDatabase> =>
  makeTemporaryDatabase(testsDatabase.kind === 'postgres' ? getServer() : undefined, from)

/** SQLite in a folder of its own, or with `TEST_DATABASE=postgres` a database on a real PostgreSQL server. */
export const newTestDatabase = (): Promise<TemporaryDatabase> => make()

/** The same with the tables of the blog, made by its migrations once for all files of a run. */
export const newMigratedDatabase = (): Promise<TemporaryDatabase> =>
  make(testsDatabase.migrated[testsDatabase.kind])

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

/** SQLite in a folder of its own, or with `TEST_DATABASE=postgres` a database on a real PostgreSQL server. */
export const newTestDatabase = async (): Promise<TemporaryDatabase> =>
  makeTemporaryDatabase(testsDatabase.kind === 'postgres' ? getServer() : undefined)

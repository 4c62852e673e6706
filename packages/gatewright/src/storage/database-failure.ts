import { ConnectionFailure } from './connection-failure.ts'
import { isPostgresFailure } from './postgres-failure.ts'
import { isSqliteFailure } from './sqlite-failure.ts'
import { DatabaseLost } from './sqlite-file.ts'
import { NotOnDisk } from './write-log.ts'

/** What Kysely says of a database that was closed. */
const closed = /^driver has already been destroyed/

/**
 * Whether the database can't be used now: it is away, full, or somebody holds a lock for too long. A
 * statement that is wrong, or breaks a constraint, is a mistake of ours and is none.
 */
export const isDatabaseFailure = (error: unknown): boolean =>
  error instanceof ConnectionFailure ||
  error instanceof DatabaseLost ||
  error instanceof NotOnDisk ||
  isSqliteFailure(error) ||
  isPostgresFailure(error) ||
  (error instanceof Error && closed.test(error.message))

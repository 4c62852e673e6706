/** The primary result codes of SQLite (sqlite.org/rescode.html) that tell of the machine, not of the statement. */
const failures: Readonly<Record<number, string>> = {
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  7: 'NOMEM',
  8: 'READONLY',
  9: 'INTERRUPT',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  15: 'PROTOCOL',
  22: 'NOLFS',
  26: 'NOTADB',
}

const busy = 5

/** The low byte; extended codes say more in the others. */
const primaryCodeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined

/** Whether another connection holds a lock that was needed. */
export const isBusy = (error: unknown): boolean => primaryCodeOf(error) === busy

/** What Node.js says of a database that was closed. */
const closed = /^(database is not open|statement has been finalized)/

/**
 * Whether SQLite can't be used now: a disk that is full or fails, a lock that nobody gives back, a closed
 * connection. A statement that is wrong, or breaks a constraint, is none.
 */
export const isSqliteFailure = (error: unknown): boolean =>
  (primaryCodeOf(error) ?? 0) in failures || (error instanceof Error && closed.test(error.message))

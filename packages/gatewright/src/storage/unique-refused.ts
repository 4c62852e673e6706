/** SQLite's SQLITE_CONSTRAINT_UNIQUE, and PostgreSQL's unique_violation. */
const [ofSqlite, ofPostgres] = [2_067, '23505']

/** Whether a statement was undone because such a row is there already. */
export const isUniqueRefused = (error: unknown): boolean =>
  error instanceof Error &&
  (('errcode' in error && error.errcode === ofSqlite) || ('code' in error && error.code === ofPostgres))

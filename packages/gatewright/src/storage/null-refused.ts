/** SQLite's SQLITE_CONSTRAINT_NOTNULL, and PostgreSQL's not_null_violation. */
const [ofSqlite, ofPostgres] = [1_299, '23502']

/** Whether a statement was undone because it would have left out a value that a column must have. */
export const isNullRefused = (error: unknown): boolean =>
  error instanceof Error &&
  (('errcode' in error && error.errcode === ofSqlite) || ('code' in error && error.code === ofPostgres))

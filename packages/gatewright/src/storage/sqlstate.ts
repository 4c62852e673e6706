type Meanings = Readonly<Record<string, string>>

/** What begins a SQLSTATE (PostgreSQL's appendix A) that tells of the machine, not of the statement. */
export const failures: Meanings = {
  '08': 'the connection failed',
  '25006': 'the server only reads: it is a stand-by',
  '25P03': 'the transaction was idle for too long',
  '28': 'the role may not sign in',
  '3D': 'there is no such database',
  '40001': 'two transactions could not both go on',
  '40P01': 'two transactions waited for each other',
  '53': 'disk, memory or connections are used up',
  '55P03': 'a lock was not given back in time',
  '57': 'the server stops, starts, or cancelled the statement',
  '58': 'the system failed',
}

/** The same of one that tells of the statement: a mistake of whoever wrote it. */
const mistakes: Meanings = {
  '22': 'a value does not fit its type, or is out of range',
  '23': 'a constraint is broken',
  '23502': 'a column that must have a value has none',
  '23503': 'a row that is named is not there, or is still needed',
  '23505': 'such a row is there already',
  '23514': 'a check is not met',
  '42': 'the statement is wrong',
  '42501': 'the role may not do this',
  '42703': 'there is no such column',
  '42P01': 'there is no such table',
  P0: 'a function of the database refused',
}

const meanings: Meanings = { ...failures, ...mistakes }

/** `insufficient_privilege` */
export const isForbidden = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '42501'

/** Five digits and capitals. One digit at least tells it from the codes of Node.js, such as EPIPE. */
const form = /^(?=.*\d)[0-9A-Z]{5}$/

/**
 * What PostgreSQL refused, in words of ours; undefined for what is no SQLSTATE. The server's own message
 * is in its own language and may quote a value of a row.
 *
 *     describeSqlState('22P02') // 'PostgreSQL 22P02: a value does not fit its type, or is out of range'
 */
export const describeSqlState = (code: string): string | undefined =>
  form.test(code)
    ? `PostgreSQL ${code}: ${meanings[code] ?? meanings[code.slice(0, 2)] ?? 'an error of the database'}`
    : undefined

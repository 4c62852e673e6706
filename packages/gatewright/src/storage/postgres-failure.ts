import { failures } from './sqlstate.ts'

/** One of two transactions that could not both go on: it is right to begin it again. */
const rerun = ['40001', '40P01']

/** What Node.js says of a server that can't be reached. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
])

/** What `pg` says, without a code, of a connection that broke or was not had in time. */
const broken =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered|Client was closed|Cannot use a pool after calling end)/

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** Every address of a host was tried (`AggregateError`), and each said why. */
const causesOf = (error: unknown): readonly unknown[] =>
  error instanceof AggregateError ? error.errors : [error]

const isFailingCode = (code: string): boolean =>
  code.length === 5 && Object.keys(failures).some(beginning => code.startsWith(beginning))

/** Whether running the same transaction again is right. */
export const isRerun = (error: unknown): boolean => rerun.includes(codeOf(error))

/** A caller's own broken connection has such a code as well, but no system call of ours that failed. */
const isNetworkFailure = (error: unknown): boolean =>
  networkCodes.has(codeOf(error)) && error instanceof Error && 'syscall' in error

/** Whether PostgreSQL can't be used now. A statement that is wrong, or breaks a constraint, is none. */
export const isPostgresFailure = (error: unknown): boolean =>
  causesOf(error).some(
    cause =>
      isNetworkFailure(cause) ||
      isFailingCode(codeOf(cause)) ||
      (cause instanceof Error && broken.test(cause.message)),
  )

import type { PostgresAddress } from '../ground/postgres-address.ts'

/** No connection to the database was had. The message says to which and why, for a person, without the password. */
export class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure'
}

const otherAuthority =
  'its certificate is of an authority that sslrootcert does not name: write the path of its certificate there'

/** By the code of Node.js, OpenSSL or PostgreSQL (a SQLSTATE), what is wrong and what to write. */
const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: start PostgreSQL, or mend host and port',
  ENOTFOUND: 'there is no host of that name: mend the host',
  EAI_AGAIN:
    'the name of the host can not be looked up now: mend the host, or the name service of this machine',
  ENOENT: 'there is no such socket: start PostgreSQL, or mend the path',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name than the host of the address: write the name that it has',
  SELF_SIGNED_CERT_IN_CHAIN: otherAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: otherAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: otherAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: otherAuthority,
  CERT_SIGNATURE_FAILURE: otherAuthority,
  CERT_HAS_EXPIRED: 'its certificate has expired: put a new one on its server',
  '28P01': 'the password is wrong: write the right one',
  '28000': 'it does not let this role in from here: write a line for it into pg_hba.conf',
  '3D000': 'there is no database of that name: make it, or write another',
  '42501': 'this role may not connect to that database: grant it CONNECT, or write another role',
  '53300': 'it has no connection left (max_connections): lower DATABASE_POOL, or raise that',
  '57P03': 'it is starting or stopping: start again when it is there',
}

/** What `pg` says without a code. */
const messages: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL/, 'it speaks no TLS, which sslmode asks for: set ssl = on at its server'],
  [
    /password must be a string|no password/i,
    'it asks for a password, and the address has none: write it there',
  ],
  [/timeout/, 'no connection within the time limit: it does not answer, or all of DATABASE_POOL are in use'],
]

/** Each address of a host was tried, and each said why: the first one is told. */
const firstOf = (error: unknown): unknown => (error instanceof AggregateError ? error.errors[0] : error)

const explain = (error: unknown): string => {
  const cause = firstOf(error)
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return (
    causes[code] ?? messages.find(([pattern]) => pattern.test(cause.message))?.[1] ?? (cause.message || code)
  )
}

/** An address as it may be shown: who, where and which, and no password. */
export const showAddress = ({ user, host, port, database }: PostgresAddress): string =>
  `postgres://${user === undefined ? '' : `${user}@`}${host ?? ''}${port === undefined ? '' : `:${port}`}/${database}`

export const toConnectionFailure = (error: unknown, address: PostgresAddress): ConnectionFailure =>
  new ConnectionFailure(`the database ${showAddress(address)} can't be used: ${explain(error)}`, {
    cause: error,
  })

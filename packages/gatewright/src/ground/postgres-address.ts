import { isLoopback } from './address.ts'

/** In clear; encrypted, but to whoever answers; or encrypted, to the server that the address names only. */
export type DatabaseTls = 'none' | 'unverified' | 'verified'

/** What a `postgres://` address says. An absent part is the driver's to find (`PGUSER`, `PGPASSFILE`). */
export type PostgresAddress = {
  readonly host: string | undefined
  readonly port: number | undefined
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string
  readonly options: string | undefined
  readonly tls: DatabaseTls
  /** PEM files: the authority of the server's certificate, and a certificate and key of our own. */
  readonly files: Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>
}

/**
 * No mode is weaker than its name. `prefer` lets an attacker choose to have no TLS, `require` and
 * `verify-ca` let in servers of another name: all three are read as `verify-full`.
 */
const modes: Readonly<Record<string, DatabaseTls>> = {
  disable: 'none',
  'no-verify': 'unverified',
  prefer: 'verified',
  require: 'verified',
  'verify-ca': 'verified',
  'verify-full': 'verified',
}

const files = { sslrootcert: 'ca', sslcert: 'cert', sslkey: 'key' } as const
const parameters: readonly string[] = ['host', 'options', 'sslmode', ...Object.keys(files)]

const parseUrl = (text: string): URL | undefined => {
  const url = /^postgres(ql)?:\/\/[^\s\0]+$/.test(text) ? URL.parse(text) : null
  return url !== null && /^\/[^/]+$/.test(url.pathname) && url.hash === '' ? url : undefined
}

/** The TLS that the parameters ask for; undefined where that is no mode. Naming a file asks for it. */
const findTls = (parameters: URLSearchParams): DatabaseTls | undefined => {
  const mode = parameters.get('sslmode')
  if (mode !== null) return Object.hasOwn(modes, mode) ? modes[mode] : undefined
  return Object.keys(files).some(name => parameters.has(name)) ? 'verified' : 'none'
}

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/**
 * Reads a `postgres://` address. Undefined where it is none, or has a parameter that would be passed over:
 * what somebody asked for and does not get would be a hole.
 */
export const parsePostgresAddress = (text: string): PostgresAddress | undefined => {
  const url = parseUrl(text)
  const tls = url && findTls(url.searchParams)
  const parts = [url?.hostname, url?.username, url?.password, url?.pathname.slice(1)].map(part =>
    decode(part ?? ''),
  )
  const [hostname, user, password, database] = parts
  if (url === undefined || tls === undefined || !database || parts.includes(undefined)) return undefined
  if ([...url.searchParams.keys()].some(name => !parameters.includes(name))) return undefined
  return {
    host: url.searchParams.get('host') ?? (hostname?.replace(/^\[(.*)\]$/, '$1') || undefined),
    port: url.port === '' ? undefined : Number(url.port),
    user: user || undefined,
    password: password || undefined,
    database,
    options: url.searchParams.get('options') ?? undefined,
    tls,
    files: Object.fromEntries(
      Object.entries(files).flatMap(([name, field]) => {
        const file = url.searchParams.get(name)
        return file === null ? [] : [[field, file]]
      }),
    ),
  }
}

/** Whether the way to the server leaves this machine, so that others can read and change what goes over it. */
export const leavesMachine = ({ host }: Pick<PostgresAddress, 'host'>): boolean =>
  host !== undefined && host !== 'localhost' && !host.startsWith('/') && !isLoopback(host)

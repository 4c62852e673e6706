import { type Kind, knownMistakes } from './parse-setting.ts'

/** What a `redis://` or `rediss://` address says. */
export type ValkeyAddress = {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  /** The number of the database; publishing and subscribing know none. */
  readonly database: number
  /** `rediss://`: TLS, to the server that the address names only. */
  readonly tls: boolean
}

const form = /^rediss?:\/\/(?:[^\s\0/?#@]*@)?(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?(?:\/\d{0,4})?$/

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Undefined where it is none, or has more than a server, its number, and who we are there. */
export const parseValkeyAddress = (text: string): ValkeyAddress | undefined => {
  const url = form.test(text) ? URL.parse(text) : null
  const [username, password] = [decode(url?.username ?? ''), decode(url?.password ?? '')]
  if (url === null || username === undefined || password === undefined) return undefined
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6_379 : Number(url.port),
    username: username || undefined,
    password: password || undefined,
    database: Number(url.pathname.slice(1)),
    tls: url.protocol === 'rediss:',
  }
}

/** An address as it may be shown: where, and no user or password. */
export const showValkeyAddress = ({ host, port, tls }: ValkeyAddress): string =>
  `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}`

const expects = 'redis://<user>:<password>@<host>:<port>, or rediss://… for TLS'

export const valkeyUrl = {
  parse: (text: string) => (parseValkeyAddress(text) === undefined ? undefined : text),
  expects,
  explain: knownMistakes(
    [/^valkeys?:/i, 'write redis:// or rediss://, by which Valkey is addressed as well'],
    [/^rediss?:\/\/[^/]*\/[^/?]*\?/i, 'write no parameters behind a ?'],
    [/^rediss?:/i, `write ${expects}, with characters such as @ and / in a password percent-encoded`],
  ),
  shown: (text: string) => text.replace(/\/\/[^@/]*@/, '//hidden@'),
} satisfies Kind<string> & { readonly shown: (value: string) => string }

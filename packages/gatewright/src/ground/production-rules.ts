import { isLoopback, parseAddressRange } from './address.ts'
import type { Sources } from './load-settings.ts'
import type { Settings } from './settings.ts'
import { parseValkeyAddress } from './valkey-address.ts'

/** What the settings of a process do not tell of where it stands. */
export type Surroundings = {
  /** The name of another machine that works on the same database. */
  readonly otherMachine?: string
}

type Reason = { readonly holds: (settings: Settings) => boolean; readonly line: string }

const reasons: readonly Reason[] = [
  { holds: ({ nodeEnv }) => nodeEnv === 'production', line: 'NODE_ENV is production' },
  { holds: ({ host }) => !isLoopbackHost(host), line: 'HOST can be reached from other machines' },
  {
    holds: ({ publicUrl }) => publicUrl !== undefined && !isLoopbackUrl(publicUrl),
    line: 'PUBLIC_URL is not localhost',
  },
  {
    holds: ({ trustedProxies }) => !trustedProxies.every(isLoopbackRange),
    line: 'TRUSTED_PROXIES names other machines',
  },
]

type Rule = {
  readonly broken: (settings: Settings, sources: Partial<Sources>) => boolean
  readonly line: string
}

const rules: readonly Rule[] = [
  {
    broken: ({ gatewrightSecret }) => gatewrightSecret === undefined,
    line: `GATEWRIGHT_SECRET must be set: write 32 random bytes in base64url, as made by: node -p "crypto.randomBytes(32).toString('base64url')"`,
  },
  {
    broken: (_, sources) => sources.REGISTRATION === 'default',
    line: 'REGISTRATION must be set: write REGISTRATION=closed, REGISTRATION=invite to let in who was invited, or REGISTRATION=open to let strangers in',
  },
  {
    broken: ({ publicUrl }) => publicUrl === undefined,
    line: 'PUBLIC_URL must be set: write the address that people use, such as PUBLIC_URL=https://api.example.org',
  },
  {
    broken: ({ publicUrl }) =>
      publicUrl !== undefined && !publicUrl.startsWith('https://') && !isLoopbackUrl(publicUrl),
    line: 'PUBLIC_URL must be https: write https:// and give TLS to the server or to a proxy before it',
  },
  {
    broken: ({ mail, smtpUrl }) => mail === 'on' && smtpUrl === undefined,
    line: 'SMTP_URL must be set: write the server that mail is handed to, or MAIL=off to send none',
  },
  {
    broken: ({ tls }) => tls === 'self-signed',
    line: 'TLS=self-signed proves nothing to callers: write TLS=files, or TLS=off behind a proxy that has TLS',
  },
  {
    broken: ({ limits }) => limits === 'off',
    line: 'LIMITS=off lets passwords be guessed: write LIMITS=on',
  },
  {
    broken: ({ limitsScale }) => limitsScale > 1,
    line: 'LIMITS_SCALE must not be above 1: write LIMITS_SCALE=1 or less',
  },
  {
    broken: ({ valkeyUrl }) => valkeyUrl !== undefined && isOpenValkey(valkeyUrl),
    line: 'VALKEY_URL has no password, so whoever reaches that server undoes what is counted there: set one there (requirepass, or a user), and write redis://:<password>@<host>',
  },
  {
    broken: ({ trustedIssuers }) =>
      trustedIssuers.some(({ issuer, jwksUri = issuer }) => `${issuer} ${jwksUri}`.includes('http://')),
    line: 'TRUSTED_ISSUERS names an address that is not https: write https://, http:// is for development on this machine',
  },
]

/**
 * Why production's rules hold for this server, in words; empty where they don't.
 * They hold whenever it can be reached from elsewhere, whatever `NODE_ENV` says.
 * A name that is not known to be this machine counts as elsewhere.
 */
export const productionReasons = (
  settings: Settings,
  { otherMachine }: Surroundings = {},
): readonly string[] => [
  ...reasons.filter(({ holds }) => holds(settings)).map(({ line }) => line),
  ...(otherMachine === undefined ? [] : [`another machine (${otherMachine}) works on the database`]),
]

/**
 * The production's rules that are broken, one line each: why they hold, then what to write.
 * Empty where none is broken or none holds. `sources` tells a value chosen from a default.
 */
export const productionErrors = (
  settings: Settings,
  sources: Partial<Sources>,
  surroundings: Surroundings = {},
): readonly string[] => {
  const why = productionReasons(settings, surroundings)
  if (why.length === 0) return []
  return rules
    .filter(({ broken }) => broken(settings, sources))
    .map(({ line }) => `${why.join(' and ')}, so production's rules hold: ${line}`)
}

/** `*.localhost` is left out: browsers keep it on this machine, but a name server need not. */
const isLoopbackHost = (host: string): boolean => host.toLowerCase() === 'localhost' || isLoopback(host)

/** Whether an address leads to this machine and nowhere else. */
export const isLoopbackUrl = (url: string): boolean =>
  isLoopbackHost(new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'))

/** On another machine, and open to whoever reaches it. */
const isOpenValkey = (url: string): boolean => {
  const { host, password } = parseValkeyAddress(url) ?? {}
  return host !== undefined && password === undefined && !isLoopbackHost(host)
}

/** Loopback is 127.0.0.0/8 and ::1, so a range is inside if it begins there and is no wider. */
const isLoopbackRange = (text: string): boolean => {
  const [first, bits = 0] = parseAddressRange(text) ?? []
  return first?.range() === 'loopback' && bits >= (first.kind() === 'ipv4' ? 8 : 128)
}

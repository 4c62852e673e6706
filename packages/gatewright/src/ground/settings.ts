import { isIP } from 'node:net'
import { auditAnchor } from './audit-anchor.ts'
import { day, hour, minute, second } from './clock.ts'
import { apiKeyHeader, credentials, tokenHeader, tokenScheme } from './credential-settings.ts'
import { mailbox, smtpUrl } from './mail-address.ts'
import { databaseUrl, postgresUrl } from './parse-database-url.ts'
import {
  addressOrRange,
  choice,
  duration,
  knownMistakes,
  limitOverride,
  listOf,
  listOrNone,
  origin,
  positiveNumber,
  textLike,
  wholeNumber,
  workerCount,
} from './parse-setting.ts'
import { rangeAddress } from './range-address.ts'
import { parseSecret } from './secrets.ts'
import { trustedIssuers } from './trusted-issuers-setting.ts'
import { valkeyUrl } from './valkey-address.ts'

/** What a default may depend on: settings that stand higher up in the table, and the terminal. */
type Earlier = {
  readonly nodeEnv?: string
  readonly publicUrl?: string | undefined
  readonly isTerminal: boolean
}

/** One row: a name, its default, and a `Kind` of value (see parse-setting.ts). */
export type SettingRow = {
  readonly name: string
  readonly parse: (text: string) => unknown
  readonly expects: string
  readonly explain?: (text: string) => string | undefined
  readonly show?: (value: never) => string
  /** Text as a person would write it. */
  readonly default: string | undefined | ((earlier: Earlier) => string | undefined)
  /** For the page: what holds when nothing is written, where `default` is not a plain text. */
  readonly unset?: string
  /** Is never shown as it is, and is also read from `<NAME>_FILE`. */
  readonly secret?: true
  /** What may be shown of a secret. */
  readonly shown?: (value: never) => string
  /** One line for the page. */
  readonly describe: string
}

const path = textLike(/^[^\0]+$/, 'the path of a file')

/** `AAAA…` is 32 bytes in base64url, too. */
const placeholder = /^(.)\1+$/

/**
 * Every setting: its name, what holds without it, how it is read. {@link Settings} is inferred from
 * these rows and docs/settings.md is made of them, so a new setting is one row here.
 */
export const settingRows = [
  {
    name: 'NODE_ENV',
    default: 'development',
    ...choice('development', 'test', 'production'),
    describe:
      "The kind of installation. Production's rules also hold whenever the server can be reached from elsewhere.",
  },
  {
    name: 'HOST',
    default: 'localhost',
    parse: (text: string) => (isHost(text) ? text : undefined),
    expects: 'a host name or an IP address to listen on, without scheme, brackets or port',
    describe: 'Where the server listens. `localhost` is both loopback addresses.',
  },
  {
    name: 'PORT',
    default: '3000',
    ...wholeNumber(0, 65_535),
    describe: '`0` picks a free port and prints it.',
  },
  {
    name: 'PUBLIC_URL',
    default: undefined,
    unset: '`http://localhost:<port>`, `https://` with TLS',
    ...origin,
    describe: 'The one base for every link, issuer and origin check; never taken from a header.',
  },
  {
    name: 'APP_NAME',
    default: 'Gatewright',
    // Authenticator apps cut "issuer:account" at the colon.
    ...textLike(/^[^\p{Cc}:]{1,64}$/u, '1 to 64 characters without a colon'),
    describe: 'Shown on pages, in mails and in authenticator apps.',
  },
  {
    name: 'DATABASE_URL',
    default: 'sqlite:./data/gatewright.db',
    secret: true,
    ...databaseUrl,
    describe: 'The database: SQLite in a file, or PostgreSQL (15 or newer).',
  },
  {
    name: 'DATABASE_ADMIN_URL',
    default: undefined,
    unset: 'the same as `DATABASE_URL`',
    secret: true,
    ...postgresUrl,
    describe: 'PostgreSQL as the role that owns the tables and migrates; the server runs as the other one.',
  },
  {
    name: 'DATABASE_POOL',
    default: '10',
    ...wholeNumber(2, 1_000),
    describe:
      'The most connections to PostgreSQL that one process opens for requests; it opens 3 more to follow logouts and the time.',
  },
  {
    name: 'VALKEY_URL',
    default: undefined,
    secret: true,
    ...valkeyUrl,
    describe:
      'A Valkey or Redis server (6 or newer) by which processes tell each other at once that there is something to read in the database, and in which they count limits together. Without it they find what to read by themselves, and count in the database.',
  },
  {
    name: 'GATEWRIGHT_SECRET',
    default: undefined,
    unset: 'made on first start in development and kept in `./data`',
    secret: true,
    ...listOf({
      parse: (text: string) => (parseSecret(text) && !placeholder.test(text) ? text : undefined),
      expects: `32 random bytes in base64url, as made by: node -p "crypto.randomBytes(32).toString('base64url')"`,
      explain: knownMistakes(
        [/^\w+\s*=\s*./, 'write the value alone, without a name and = before it'],
        [
          /^(?=.*[+/=])[\w+/-]{42,44}=?$/,
          'that is base64: write base64url, which has - in place of +, _ in place of /, and no = at its end',
        ],
        [/^[\da-f]{64}$/i, 'that is hexadecimal: write the same 32 bytes in base64url'],
        [placeholder, 'that is one character over and over, which anybody guesses: write 32 random bytes'],
      ),
    }),
    describe:
      'Seals keys and refresh tokens. Several, newest first, to change it without signing anybody out; must be set in production.',
  },
  {
    name: 'TRUSTED_PROXIES',
    default: '',
    unset: 'none',
    ...listOrNone(addressOrRange),
    describe: 'Proxies whose forwarding headers are believed. A number or `true` is refused.',
  },
  {
    name: 'CORS_ORIGINS',
    default: '',
    unset: 'none',
    ...listOrNone(origin),
    describe:
      'Websites whose scripts may call the API, as exact origins. One on the same site as the API also acts with the cookie of whoever visits it: list only what is trusted like the API itself.',
  },
  {
    name: 'CREDENTIALS',
    default: 'bearer,cookie,api-key',
    ...credentials,
    describe:
      'What a request may show of who sends it: access tokens, the session cookie, API keys. A header of a kind that is left out is refused; the cookie is then neither read nor set.',
  },
  {
    name: 'TOKEN_HEADER',
    default: 'Authorization',
    ...tokenHeader,
    describe: 'The request header that carries an access token.',
  },
  {
    name: 'TOKEN_SCHEME',
    default: 'Bearer',
    ...tokenScheme,
    describe: 'The word before the token in that header.',
  },
  {
    name: 'API_KEY_HEADER',
    default: 'X-API-Key',
    ...apiKeyHeader,
    describe: 'The request header that carries an API key.',
  },
  {
    name: 'TOKEN_ALGORITHM',
    default: 'ES256',
    ...choice('ES256', 'EdDSA', 'RS256', 'HS256_EVERY_VERIFIER_CAN_FORGE'),
    explain: knownMistakes([
      /^hs(256|384|512)$/i,
      'with a shared secret, whoever checks a token can also make one; write ES256, or HS256_EVERY_VERIFIER_CAN_FORGE if that is meant',
    ]),
    describe:
      'How new access tokens are signed. After a change the next key has it, and signs 15 minutes after the start.',
  },
  {
    name: 'TOKEN_AUDIENCE',
    default: ({ publicUrl }: Earlier) => publicUrl,
    unset: '`PUBLIC_URL`',
    ...textLike(/^[\x21-\x7e]{1,255}$/, '1 to 255 characters without spaces, as a rule an address'),
    describe: 'The `aud` of access tokens.',
  },
  {
    name: 'ACCESS_TOKEN_TTL',
    default: '10m',
    ...duration(second, 24 * hour),
    describe: 'How long an access token is valid.',
  },
  {
    name: 'SESSION_IDLE_TTL',
    default: '14d',
    ...duration(second, 400 * day),
    describe: 'A session unused for so long ends.',
  },
  {
    name: 'SESSION_MAX_TTL',
    default: '30d',
    ...duration(second, 400 * day),
    describe: 'A session ends after this time, used or not.',
  },
  {
    name: 'ADMIN_SESSION_IDLE_TTL',
    default: '1h',
    ...duration(second, 400 * day),
    describe:
      'The same as `SESSION_IDLE_TTL`, for users who hold an administrative permission; the shorter one holds.',
  },
  {
    name: 'ADMIN_SESSION_MAX_TTL',
    default: '12h',
    ...duration(second, 400 * day),
    describe:
      'The same as `SESSION_MAX_TTL`, for users who hold an administrative permission; the shorter one holds.',
  },
  {
    name: 'ADMIN_SECOND_FACTOR',
    default: undefined,
    unset: "`required` where production's rules hold, `off` elsewhere",
    ...choice('required', 'off'),
    describe:
      'With `required`, administrative permissions count only in a session that has shown a second factor. Whoever has none can sign in and add one.',
  },
  {
    name: 'REFRESH_RETRY_WINDOW',
    default: '10s',
    ...duration(0, minute),
    describe: 'How long a refresh may be repeated and gets the same answer. `0`: not at all.',
  },
  {
    name: 'REVOCATION_MAX_AGE',
    default: '5s',
    ...duration(100, minute),
    describe: 'The oldest view of revocations that a process still answers from.',
  },
  {
    name: 'KEY_ROTATION',
    default: '30d',
    ...duration(hour, 400 * day),
    describe: 'How long a signing key signs before the next one does.',
  },
  {
    name: 'REGISTRATION',
    default: 'open',
    ...choice('open', 'invite', 'closed'),
    describe: 'Who may register: anybody, only who was invited, or nobody. Must be set in production.',
  },
  {
    name: 'PASSWORD_MIN_LENGTH',
    default: '15',
    ...wholeNumber(8, 128),
    describe: 'The fewest characters of a new password.',
  },
  {
    name: 'BREACH_CHECK',
    default: 'off',
    ...choice('off', 'warn', 'refuse'),
    describe:
      'Whether a breach service is asked about each new password, by the first 5 of 40 characters of its SHA-1 hash. `warn` takes one that is known and notes it; `refuse` refuses it, and every one while the service is away.',
  },
  {
    name: 'BREACH_CHECK_URL',
    default: 'https://api.pwnedpasswords.com/range/',
    ...rangeAddress,
    describe: 'The breach service: an address that answers as the range interface of Pwned Passwords does.',
  },
  {
    name: 'WORKERS',
    default: '1',
    ...workerCount,
    describe:
      'Processes on this machine that share the port. `auto`: one for each core that this one may use.',
  },
  {
    name: 'SMTP_URL',
    default: undefined,
    unset: 'none: mail is written into `./data/outbox`, as .eml and, to be read at once, as .txt',
    secret: true,
    ...smtpUrl,
    describe:
      'The server that mail is handed to. With `smtp://` TLS is demanded as well (STARTTLS), but on this machine. Must be set in production, unless `MAIL=off`.',
  },
  {
    name: 'MAIL_FROM',
    default: undefined,
    ...mailbox,
    describe: 'Who mail is from; needed with `SMTP_URL`.',
  },
  {
    name: 'MAIL',
    default: 'on',
    ...choice('on', 'off'),
    describe:
      '`off` sends nothing: no address can be verified, nobody is told anything, and a forgotten password is reset by an administrator only.',
  },
  {
    name: 'LIMITS',
    default: 'on',
    ...choice('on', 'off'),
    describe: 'Limits and throttling of sign-in. `off` is refused in production.',
  },
  {
    name: 'LIMITS_SCALE',
    default: '1',
    ...positiveNumber,
    describe: 'Multiplies every limit. Above 1 is refused in production.',
  },
  {
    name: 'LIMITS_OVERRIDE',
    default: '',
    unset: 'none',
    ...listOrNone(limitOverride),
    describe:
      'Other numbers for single rows of docs/limits.md, by the names that answers show in `RateLimit-Policy`: how many, and if need be in which time. `LIMITS_SCALE` multiplies what is written here, too.',
  },
  {
    name: 'TLS',
    default: 'off',
    ...choice('off', 'self-signed', 'files'),
    describe: '`self-signed` is refused in production; `files` are read again when they change.',
  },
  { name: 'TLS_CERT_FILE', default: undefined, ...path, describe: 'PEM; needed with `TLS=files`.' },
  { name: 'TLS_KEY_FILE', default: undefined, ...path, describe: 'PEM; needed with `TLS=files`.' },
  {
    name: 'TLS_CLIENT_CA_FILE',
    default: undefined,
    unset: 'none: nobody needs a certificate to connect',
    ...path,
    describe:
      'PEM; with `TLS=files`. Only callers with a certificate of this authority can connect, such as a proxy; also for `/healthz`. See docs/certificates.md.',
  },
  {
    name: 'ACCESS_LOG',
    default: ({ nodeEnv }: Earlier) => (nodeEnv === 'production' ? 'notable' : 'all'),
    unset: '`all`; `notable` in production',
    ...choice('all', 'notable', 'off'),
    describe: 'Which requests are logged. `notable`: refused, failed, slow.',
  },
  {
    name: 'LOG_LEVEL',
    default: 'info',
    ...choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    describe: 'The least important line that is logged.',
  },
  {
    name: 'LOG_FORMAT',
    default: ({ isTerminal }: Earlier) => (isTerminal ? 'pretty' : 'json'),
    unset: '`pretty` on a terminal, else `json`',
    ...choice('pretty', 'json'),
    describe: 'For people, or for programs.',
  },
  {
    name: 'LOG_FILE',
    default: undefined,
    unset: 'standard output',
    ...path,
    describe: 'Reopened on SIGHUP.',
  },
  {
    name: 'METRICS_PORT',
    default: undefined,
    unset: 'none; `/metrics` of the API needs `metrics:read`',
    ...wholeNumber(1, 65_535),
    describe:
      '`/metrics` on a port of its own, on `HOST`, for whoever can reach it, without TLS; then the API has none.',
  },
  {
    name: 'TRUSTED_ISSUERS',
    default: '',
    unset: 'none',
    ...trustedIssuers,
    describe:
      'Other issuers whose access tokens are taken: Auth0, Okta, Microsoft Entra, Keycloak, Amazon Cognito and others. See docs/trusted-issuers.md.',
  },
  {
    name: 'AUDIT_RETENTION',
    default: '400d',
    ...duration(day, 4_000 * day),
    describe:
      'How long audit events are kept. Then they are deleted from the beginning of the chain, whole days at a time, and a signed checkpoint says where it begins.',
  },
  {
    name: 'AUDIT_ANCHOR',
    default: undefined,
    unset: 'none; the log has them',
    secret: true,
    ...auditAnchor,
    describe:
      'Where signed checkpoints of the audit log also go: a file, a webhook or a mailbox on another machine. Only what has left this one shows that its record was not made anew (docs/audit.md).',
  },
] as const satisfies readonly SettingRow[]

type Row = (typeof settingRows)[number]
type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<Name>
type DefaultOf<R extends Row> = R['default'] extends (earlier: Earlier) => infer Text ? Text : R['default']
type ValueOf<R extends Row> =
  | Exclude<ReturnType<R['parse']>, undefined>
  | (undefined extends DefaultOf<R> ? undefined : never)

export type SettingName = Row['name']

/** The settings in force: one field a row, in camelCase. Times are milliseconds; "none" is undefined or []. */
export type Settings = { readonly [R in Row as Camel<R['name']>]: ValueOf<R> }

/** `ACCESS_LOG` → `accessLog` */
export const fieldOf = (name: SettingName): keyof Settings =>
  name.toLowerCase().replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof Settings

/** A row as a loop over {@link settingRows} sees it. */
export type Setting = SettingRow & { readonly name: SettingName }

/**
 * The settings from what `read` finds for each row, in the order of the table; where it finds nothing
 * (undefined), the default.
 */
export const fillSettings = (read: (row: Setting) => unknown, isTerminal: boolean): Settings => {
  const values: Record<string, unknown> = {}
  for (const row of settingRows) {
    values[fieldOf(row.name)] = read(row) ?? defaultOf(row, { ...values, isTerminal })
  }
  // The loop has set every field, each to what its own row's `parse` returned: the type's definition.
  return values as Settings
}

/** The defaults with some fields replaced: for tests. Overrides are taken as they are, unchecked. */
export const defaultSettings = (overrides: Partial<Settings> = {}): Settings => ({
  ...fillSettings(row => overrides[fieldOf(row.name)], false),
  ...overrides,
})

type Relation = { readonly holds: (settings: Settings) => boolean; readonly line: string }

/** What must hold between settings, with the line for when it does not. */
export const relations: readonly Relation[] = [
  {
    holds: ({ gatewrightSecret = [] }) => new Set(gatewrightSecret).size === gatewrightSecret.length,
    line: 'GATEWRIGHT_SECRET lists a secret twice: write each once, newest first',
  },
  {
    holds: ({ tokenHeader, apiKeyHeader }) => tokenHeader.toLowerCase() !== apiKeyHeader.toLowerCase(),
    line: 'TOKEN_HEADER and API_KEY_HEADER are one header: write another name for one of them',
  },
  {
    holds: ({ limitsOverride }) =>
      new Set(limitsOverride.map(({ policy }) => policy)).size === limitsOverride.length,
    line: 'LIMITS_OVERRIDE names a limit twice: write each once',
  },
  {
    holds: ({ credentials }) => credentials.includes('bearer') || credentials.includes('cookie'),
    line: 'CREDENTIALS lets nobody sign in: add bearer or cookie',
  },
  {
    holds: ({ sessionIdleTtl, sessionMaxTtl }) => sessionIdleTtl <= sessionMaxTtl,
    line: 'SESSION_IDLE_TTL is longer than SESSION_MAX_TTL: write the same time or a shorter one',
  },
  {
    holds: ({ adminSessionIdleTtl, adminSessionMaxTtl }) => adminSessionIdleTtl <= adminSessionMaxTtl,
    line: 'ADMIN_SESSION_IDLE_TTL is longer than ADMIN_SESSION_MAX_TTL: write the same time or a shorter one',
  },
  {
    holds: ({ accessTokenTtl, sessionIdleTtl }) => accessTokenTtl <= sessionIdleTtl,
    line: 'ACCESS_TOKEN_TTL is longer than SESSION_IDLE_TTL: write the same time or a shorter one',
  },
  {
    holds: ({ tls, tlsCertFile }) => tls !== 'files' || tlsCertFile !== undefined,
    line: 'TLS_CERT_FILE is missing, which TLS=files needs: write the path of the certificate (PEM)',
  },
  {
    holds: ({ tls, tlsKeyFile }) => tls !== 'files' || tlsKeyFile !== undefined,
    line: 'TLS_KEY_FILE is missing, which TLS=files needs: write the path of the private key (PEM)',
  },
  {
    holds: ({ tls, tlsCertFile }) => tls === 'files' || tlsCertFile === undefined,
    line: 'TLS_CERT_FILE is set but not used: write TLS=files, or remove it',
  },
  {
    holds: ({ tls, tlsKeyFile }) => tls === 'files' || tlsKeyFile === undefined,
    line: 'TLS_KEY_FILE is set but not used: write TLS=files, or remove it',
  },
  {
    holds: ({ tls, tlsClientCaFile }) => tls === 'files' || tlsClientCaFile === undefined,
    line: 'TLS_CLIENT_CA_FILE is set but not used: write TLS=files, or remove it',
  },
  {
    holds: ({ smtpUrl, mailFrom }) => smtpUrl === undefined || mailFrom !== undefined,
    line: 'MAIL_FROM is missing, which SMTP_URL needs: write the address that mail is from',
  },
  {
    holds: ({ registration, mail }) => registration !== 'invite' || mail === 'on',
    line: 'REGISTRATION=invite lets nobody register, because MAIL=off sends no invitations: write MAIL=on with SMTP_URL, or REGISTRATION=closed',
  },
  {
    holds: ({ auditAnchor, mail }) => auditAnchor?.kind !== 'mailto' || mail === 'on',
    line: 'AUDIT_ANCHOR is a mailbox, and MAIL=off sends nothing: write MAIL=on with SMTP_URL, or another anchor',
  },
  {
    holds: ({ trustedIssuers, port, ...settings }) =>
      trustedIssuers.every(({ issuer }) => issuer !== publicUrlOf(settings, port)),
    line: 'TRUSTED_ISSUERS lists this server itself: leave PUBLIC_URL out of it',
  },
  {
    holds: ({ port, metricsPort }) => metricsPort !== port,
    line: 'METRICS_PORT is the same as PORT: write another number',
  },
  {
    holds: ({ databaseUrl, databaseAdminUrl }) =>
      databaseAdminUrl === undefined || !databaseUrl.startsWith('sqlite:'),
    line: 'DATABASE_ADMIN_URL is for PostgreSQL, and DATABASE_URL is SQLite: remove the one, or write postgres://… as the other',
  },
]

/**
 * The base of every link, issuer and origin check, without a slash at the end.
 * @param port the one really listened on, which differs from `settings.port` when that is 0
 */
export const publicUrlOf = ({ publicUrl, tls }: Pick<Settings, 'publicUrl' | 'tls'>, port: number): string =>
  publicUrl ?? new URL(`${tls === 'off' ? 'http' : 'https'}://localhost:${port}`).origin

/** The table of docs/settings.md, in Markdown. */
export const settingsTable = (): string =>
  ['| name | default | value | meaning |', '|---|---|---|---|', ...settingRows.map(toTableLine)].join('\n')

const toTableLine = ({ name, describe, expects, ...row }: SettingRow): string => {
  const unset = row.unset ?? (typeof row.default === 'string' ? `\`${row.default}\`` : 'none')
  const file = row.secret ? ` Also read from \`${name}_FILE\`.` : ''
  return `| \`${name}\` | ${unset} | ${expects.replaceAll('<', '\\<')} | ${describe}${file} |`
}

const defaultOf = (row: SettingRow, earlier: Earlier): unknown => {
  const text = typeof row.default === 'function' ? row.default(earlier) : row.default
  return text === undefined ? undefined : row.parse(text)
}

const hostName = /^(?!-)[a-z\d-]{1,63}(?<!-)(\.(?!-)[a-z\d-]{1,63}(?<!-))*$/i

/** A name whose last part is a number is an address with a mistake. */
const isHost = (text: string): boolean =>
  isIP(text) !== 0 || (text.length <= 253 && hostName.test(text) && !/(^|\.)\d+$/.test(text))

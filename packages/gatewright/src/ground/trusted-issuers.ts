import { readFileSync } from 'node:fs'
import { isPublicAddress } from './address.ts'
import { day, hour, minute, second } from './clock.ts'
import { codeOf } from './error-code.ts'
import { freezeDeeply } from './freeze-deeply.ts'
import { JsonError, parseJson } from './json.ts'
import { duration, type Kind } from './parse-setting.ts'

/** What another issuer may sign with. Public keys only: whoever can check a token can make none. */
export const issuerAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export type IssuerAlgorithm = (typeof issuerAlgorithms)[number]

/**
 * What the `typ` of its access tokens is, by the name that an entry writes; undefined where there is none. Of
 * those in capitals ID tokens have the same one.
 */
export const issuerTypes = {
  'at+jwt': ['at+jwt', 'application/at+jwt'],
  'application/okta-internal-at+jwt': ['application/okta-internal-at+jwt'],
  JWT_WHICH_ID_TOKENS_HAVE_AS_WELL: ['JWT'],
  NONE_WHICH_ID_TOKENS_HAVE_AS_WELL: [undefined],
} as const satisfies Readonly<Record<string, readonly (string | undefined)[]>>
export type IssuerType = keyof typeof issuerTypes

/** Another issuer, whose access tokens are taken at the gate. Frozen, deeply; times in milliseconds. */
export type TrustedIssuer = {
  /** Exactly as `iss` has it. */
  readonly issuer: string
  /** What `aud` must hold. Undefined: a token that has one is refused. */
  readonly audience: string | undefined
  /** Clients whose tokens are taken without `aud`. */
  readonly clientsWithoutAudience: readonly string[]
  readonly algorithms: readonly IssuerAlgorithm[]
  /** Undefined: found by discovery, on the issuer's own address. */
  readonly jwksUri: string | undefined
  readonly type: IssuerType
  /** The claim that names the subject. */
  readonly subjectFrom: string
  /** The names of the claims, each inside the one before, to the one that lists permissions. */
  readonly permissionsFrom: readonly string[]
  /** Theirs, and which of ours they are. What is not named is not taken. */
  readonly permissions: Readonly<Record<string, readonly string[]>>
  /** `required`: a token acts for the user that its subject is linked to, and is refused without one. */
  readonly localUser: 'required' | 'none'
  /** Claims, and the values of which each must have one. */
  readonly requiredClaims: Readonly<Record<string, readonly string[]>>
  readonly leeway: number
  readonly longestLifetime: number
  readonly allowsPrivateAddresses: boolean
  readonly givesAdministrativePermissions: boolean
}

/** What is wrong with an entry, and what to write. Never repeats a value. */
class Mistake extends Error {
  override readonly name = 'Mistake'
}

type Member<Value> = {
  readonly parse: (value: unknown) => Value | undefined
  readonly expects: string
  /** Without one it must be written. */
  readonly default?: Value
}

const plain = /^[\x21-\x7e]{1,255}$/
const isPlain = (value: unknown): value is string => typeof value === 'string' && plain.test(value)
/** The name of a claim, or of a permission elsewhere: some have blanks. */
const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value)

const listOfAtLeastOne = <Value>(value: unknown, isRight: (part: unknown) => part is Value) =>
  Array.isArray(value) && value.length > 0 && value.length <= 100 && value.every(isRight)
    ? (value as readonly Value[])
    : undefined

const toMembers = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined

/** Each name with its list, where all are well-formed. */
const toLists = (
  value: unknown,
  toList: (part: unknown) => readonly string[] | undefined,
): Readonly<Record<string, readonly string[]>> | undefined => {
  const members = toMembers(value)
  if (members === undefined || Object.keys(members).length > 1_000) return undefined
  const lists = Object.entries(members).map(([name, part]) => [name, toList(part)] as const)
  const isWhole = lists.every(([name, list]) => isName(name) && list !== undefined)
  return isWhole ? (Object.fromEntries(lists) as Record<string, readonly string[]>) : undefined
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/

/** Whether an address names this machine. */
const isHere = (url: URL): boolean => loopback.test(hostOf(url))

/** Whether a host, written as an address, is none that everybody can reach. A name is judged when it is looked up. */
const isKnownPrivate = (url: URL): boolean =>
  isHere(url) || (/^[\d.]+$|:/.test(hostOf(url)) && !isPublicAddress(hostOf(url)))

const toAddress = (value: unknown, forbidden: RegExp): URL | undefined => {
  if (!isPlain(value) || forbidden.test(value)) return undefined
  const url = URL.parse(value)
  if (url === null || url.username !== '' || url.password !== '') return undefined
  return url.protocol === 'https:' || (url.protocol === 'http:' && isHere(url)) ? url : undefined
}

const isIssuer = (value: unknown): value is string => {
  const url = toAddress(value, /[?#]/)
  return url !== undefined && (url.href === value || url.href === `${value}/`)
}

const text = <Value extends string>(isRight: (value: unknown) => value is Value) => ({
  parse: (value: unknown) => (isRight(value) ? value : undefined),
})
const flag = {
  parse: (value: unknown) => (value === true ? true : undefined),
  expects: 'true, or leave it out',
}
const time = (least: number, most: number) => {
  const kind = duration(least, most)
  return {
    parse: (value: unknown) => (typeof value === 'string' ? kind.parse(value) : undefined),
    expects: kind.expects,
  }
}
const oneOf = <Value extends string>(values: readonly Value[]) => ({
  parse: (value: unknown) => values.find(one => one === value),
  expects: values.map(value => JSON.stringify(value)).join(', '),
})
const isAlgorithm = (value: unknown): value is IssuerAlgorithm =>
  issuerAlgorithms.some(algorithm => algorithm === value)

/** Every member of an entry. What is not here is refused. */
const members = {
  issuer: {
    ...text(isIssuer),
    expects:
      'its https:// address exactly as `iss` has it, without query or fragment (http:// on this machine only)',
  },
  audience: {
    ...text(isPlain),
    expects: 'the `aud` that its tokens for this API have, 1 to 255 characters without spaces',
    default: undefined,
  },
  takes_tokens_without_audience_of_clients: {
    parse: value => listOfAtLeastOne(value, isPlain),
    expects: 'a list of client ids, such as ["web-app"]',
    default: [] as readonly string[],
  },
  algorithms: {
    parse: value => listOfAtLeastOne(value, isAlgorithm),
    expects: `a list of ${issuerAlgorithms.join(', ')}`,
  },
  jwks_uri: {
    parse: value => toAddress(value, /#/)?.href,
    expects: 'the https:// address of its keys (http:// on this machine only), or leave it out for discovery',
    default: undefined,
  },
  token_type: { ...oneOf(Object.keys(issuerTypes) as IssuerType[]), default: 'at+jwt' },
  subject_from: { ...text(isName), expects: 'the name of the claim that names the subject', default: 'sub' },
  permissions_from: {
    parse: value => (isName(value) ? [value] : listOfAtLeastOne(value, isName)),
    expects:
      'the name of a claim, such as "scope", or the names on the way to one, such as ["realm_access", "roles"]',
  },
  permissions: {
    parse: value => toLists(value, list => listOfAtLeastOne(list, isPlain)),
    expects: 'which of ours each of theirs is, such as { "read:users": ["users:read"] }',
  },
  local_user: { ...oneOf(['required', 'none'] as const) },
  required_claims: {
    parse: value => toLists(value, part => (isName(part) ? [part] : listOfAtLeastOne(part, isName))),
    expects: 'the value that each must have, or a list of values, such as { "token_use": "access" }',
    default: {} as Readonly<Record<string, readonly string[]>>,
  },
  leeway: { ...time(0, minute), default: 30 * second },
  longest_lifetime: { ...time(minute, day), default: hour },
  allow_private_addresses: { ...flag, default: false as boolean },
  gives_administrative_permissions: { ...flag, default: false as boolean },
} as const satisfies Readonly<Record<string, Member<unknown>>>

type Members = typeof members
type MemberName = keyof Members
type ValueOf<M> = M extends { readonly parse: (value: never) => infer Value }
  ? M extends { readonly default: infer Default }
    ? Exclude<Value, undefined> | Default
    : Exclude<Value, undefined>
  : never
type Entry = { readonly [Name in MemberName]: ValueOf<Members[Name]> }

const readMember = (
  name: string,
  row: Member<unknown>,
  written: Readonly<Record<string, unknown>>,
): unknown => {
  if (!Object.hasOwn(written, name)) {
    if ('default' in row) return row.default
    throw new Mistake(`${name} is missing: write ${row.expects}`)
  }
  const value = row.parse(written[name])
  if (value === undefined) throw new Mistake(`${name}: write ${row.expects}`)
  return value
}

const readMembers = (value: unknown): Entry => {
  const written = toMembers(value)
  if (written === undefined) throw new Mistake('write an object, such as { "issuer": "https://…", … }')
  const unknown = Object.keys(written).find(name => !Object.hasOwn(members, name))
  if (unknown !== undefined)
    throw new Mistake(
      `it has a member that there is not${isPlain(unknown) ? ` (${unknown.slice(0, 40)})` : ''}: write only ${Object.keys(members).join(', ')}`,
    )
  // Each row of the table has parsed its own member: the type's definition.
  return Object.fromEntries(
    Object.entries(members).map(([name, row]) => [name, readMember(name, row, written)]),
  ) as Entry
}

type Rule = { readonly isBroken: (entry: Entry) => boolean; readonly line: string }

const addressesOf = ({ issuer, jwks_uri }: Entry): readonly URL[] => [new URL(jwks_uri ?? issuer)]

/** What must hold between the members of an entry. */
const rules: readonly Rule[] = [
  {
    isBroken: entry =>
      entry.audience === undefined && entry.takes_tokens_without_audience_of_clients.length === 0,
    line: `audience is missing: write ${members.audience.expects}`,
  },
  {
    isBroken: entry => !entry.allow_private_addresses && addressesOf(entry).some(isKnownPrivate),
    line: 'its keys are on this machine or in a private network: write "allow_private_addresses": true if that is meant',
  },
  {
    isBroken: entry =>
      entry.takes_tokens_without_audience_of_clients.length > 0 &&
      Object.keys(entry.required_claims).length === 0,
    line: 'without an audience something else must tell its access tokens from others: write required_claims, such as { "token_use": "access" }',
  },
]

const toIssuer = (entry: Entry): TrustedIssuer =>
  freezeDeeply({
    issuer: entry.issuer,
    audience: entry.audience,
    clientsWithoutAudience: entry.takes_tokens_without_audience_of_clients,
    algorithms: entry.algorithms,
    jwksUri: entry.jwks_uri,
    type: entry.token_type,
    subjectFrom: entry.subject_from,
    permissionsFrom: entry.permissions_from,
    permissions: entry.permissions,
    localUser: entry.local_user,
    requiredClaims: entry.required_claims,
    leeway: entry.leeway,
    longestLifetime: entry.longest_lifetime,
    allowsPrivateAddresses: entry.allow_private_addresses,
    givesAdministrativePermissions: entry.gives_administrative_permissions,
  })

const readEntry = (value: unknown): TrustedIssuer => {
  const entry = readMembers(value)
  const broken = rules.find(({ isBroken }) => isBroken(entry))
  if (broken !== undefined) throw new Mistake(broken.line)
  return toIssuer(entry)
}

const atEntry = (index: number, error: unknown): unknown =>
  error instanceof Mistake ? new Mistake(`entry ${index + 1}: ${error.message}`) : error

const readEntries = (value: unknown): readonly TrustedIssuer[] => {
  if (!Array.isArray(value) || value.length > 100) throw new Mistake('write a list of entries: [ { … } ]')
  const issuers = value.map((entry, index) => {
    try {
      return readEntry(entry)
    } catch (error) {
      throw atEntry(index, error)
    }
  })
  const twice = issuers.findIndex(({ issuer }, at) => issuers.findIndex(one => one.issuer === issuer) < at)
  if (twice >= 0)
    throw atEntry(twice, new Mistake('its issuer is that of an entry before it: write each once'))
  return issuers
}

const readJson = (json: string): unknown => {
  try {
    return parseJson(json)
  } catch (error) {
    throw error instanceof JsonError ? new Mistake(`${error.message}: write a JSON list of entries`) : error
  }
}

const readFile = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Mistake(
      `the file cannot be read (${codeOf(error)}): write the path of a JSON file, or the JSON itself`,
    )
  }
}

/** From the JSON itself, which begins with a bracket, or from the file whose path this is. */
const readIssuers = (written: string): readonly TrustedIssuer[] =>
  readEntries(readJson(/^\s*[[{]/.test(written) ? written : readFile(written)))

/** What is wrong, in one line; undefined where nothing is. */
const findMistake = (written: string): string | undefined => {
  try {
    readIssuers(written)
    return undefined
  } catch (error) {
    if (error instanceof Mistake) return error.message
    throw error
  }
}

/** Whether ID tokens of the issuer have the same `typ` as its access tokens. */
export const isLikeIdTokens = ({ type }: Pick<TrustedIssuer, 'type'>): boolean =>
  type.endsWith('_WHICH_ID_TOKENS_HAVE_AS_WELL')

/** `TRUSTED_ISSUERS`: a JSON list, or the path of a file that holds one. */
export const trustedIssuers = {
  parse: written => {
    if (written === '') return []
    return findMistake(written) === undefined ? readIssuers(written) : undefined
  },
  expects: 'the path of a JSON file that lists them, or the list itself (see docs/trusted-issuers.md)',
  explain: findMistake,
  show: issuers => issuers.map(({ issuer }) => issuer).join(', '),
} satisfies Kind<readonly TrustedIssuer[]>

/** What each entry weakens, for the log of the start. */
export const warningsOfIssuers = (issuers: readonly TrustedIssuer[]): readonly string[] =>
  issuers.flatMap(entry =>
    weakenings
      .filter(({ holds }) => holds(entry))
      .map(({ line }) => `TRUSTED_ISSUERS: ${entry.issuer}: ${line}`),
  )

const weakenings: readonly { readonly holds: (entry: TrustedIssuer) => boolean; readonly line: string }[] = [
  {
    holds: isLikeIdTokens,
    line: 'its access tokens are told from its ID tokens by their audience and the claims required only (token_type)',
  },
  {
    holds: ({ clientsWithoutAudience }) => clientsWithoutAudience.length > 0,
    line: 'tokens of the clients listed are taken without an audience: what they got for another API is good here as well (takes_tokens_without_audience_of_clients)',
  },
  {
    holds: ({ allowsPrivateAddresses }) => allowsPrivateAddresses,
    line: 'its keys may be fetched from this machine and private networks (allow_private_addresses)',
  },
  {
    holds: ({ givesAdministrativePermissions }) => givesAdministrativePermissions,
    line: 'whoever runs it can administer this server (gives_administrative_permissions)',
  },
  {
    holds: ({ issuer, jwksUri = issuer }) => jwksUri.startsWith('http:'),
    line: 'its keys are fetched over plain HTTP, on this machine',
  },
]

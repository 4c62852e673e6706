import { isPublicAddress } from './address.ts'
import { day, hour, minute, second } from './clock.ts'
import { duration } from './parse-setting.ts'
import {
  type IssuerAlgorithm,
  type IssuerType,
  issuerAlgorithms,
  issuerTypes,
  type TrustedIssuer,
} from './trusted-issuers.ts'

export type Member<Value> = {
  readonly parse: (value: unknown) => Value | undefined
  readonly expects: string
  /** Without one it must be written. */
  readonly default?: Value
}

const plain = /^[\x21-\x7e]{1,255}$/
export const isPlain = (value: unknown): value is string => typeof value === 'string' && plain.test(value)
/** The name of a claim, or of a permission elsewhere: some have blanks. */
const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value)

const listOfAtLeastOne = <Value>(value: unknown, isRight: (part: unknown) => part is Value) =>
  Array.isArray(value) && value.length > 0 && value.length <= 100 && value.every(isRight)
    ? (value as readonly Value[])
    : undefined

export const toMembers = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
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
export const isKnownPrivate = (url: URL): boolean =>
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

type Source = TrustedIssuer['permissions'][number]

const toPath = (value: unknown): readonly string[] | undefined =>
  isName(value) ? [value] : listOfAtLeastOne(value, isName)
const toMapping = (value: unknown) => toLists(value, list => listOfAtLeastOne(list, isPlain))

/** Two members, which name a claim and what it means, and no others. */
const toSource = (value: unknown): Source | undefined => {
  const { permissions_from, permissions, ...others } = toMembers(value) ?? {}
  const [from, mapping] = [toPath(permissions_from), toMapping(permissions)]
  const isWhole = from !== undefined && mapping !== undefined && Object.keys(others).length === 0
  return isWhole ? { from, permissions: mapping } : undefined
}

const toSources = (value: unknown): readonly Source[] | undefined => {
  const sources = Array.isArray(value) && value.length <= 10 ? value.map(toSource) : []
  const whole = sources.filter(source => source !== undefined)
  const isTold = new Set(whole.map(({ from }) => JSON.stringify(from))).size === sources.length
  return sources.length > 0 && isTold ? whole : undefined
}

/** Every member of an entry. What is not here is refused. */
export const issuerMembers = {
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
    parse: toPath,
    expects:
      'the name of a claim, such as "scope", or the names on the way to one, such as ["realm_access", "roles"]',
    default: undefined,
  },
  permissions: {
    parse: toMapping,
    expects: 'which of ours each of theirs is, such as { "read:users": ["users:read"] }',
    default: undefined,
  },
  permissions_from_several: {
    parse: toSources,
    expects:
      'a list of claims, each once, with what the words of each mean, such as [{ "permissions_from": "scp", "permissions": { "read": ["users:read"] } }, …]',
    default: undefined,
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

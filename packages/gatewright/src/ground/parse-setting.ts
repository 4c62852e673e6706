import { parseAddressRange } from './address.ts'
import { day, hour, minute, second } from './clock.ts'

/**
 * How one kind of value is read.
 *
 * No text made here ever repeats the value: it may be a secret, or a secret pasted into the wrong place.
 */
export type Kind<Value> = {
  /** The value, or undefined when the text is not one. */
  readonly parse: (text: string) => Value | undefined
  /** What to write instead of a bad value; follows "write". */
  readonly expects: string
  /** Says more than {@link expects} about a mistake that people are known to make. */
  readonly explain?: (text: string) => string | undefined
  /** The text that {@link parse} would read as this value; `String` where it is absent. */
  readonly show?: (value: Value) => string
}

type Mistake = readonly [pattern: RegExp, line: string]

/** A row's `explain` that answers the first pattern that the text matches. */
export const knownMistakes =
  (...mistakes: readonly Mistake[]) =>
  (text: string): string | undefined =>
    mistakes.find(([pattern]) => pattern.test(text))?.[1]

export const choice = <const Options extends readonly string[]>(...options: Options) =>
  ({
    parse: (text: string): Options[number] | undefined => options.find(option => option === text),
    expects: options.length === 2 ? options.join(' or ') : `one of ${options.join(', ')}`,
  }) satisfies Kind<Options[number]>

export const textLike = (pattern: RegExp, expects: string) =>
  ({ parse: (text: string) => (pattern.test(text) ? text : undefined), expects }) satisfies Kind<string>

export const wholeNumber = (least: number, most: number) =>
  ({
    parse: (text: string) => (/^\d{1,9}$/.test(text) ? within(Number(text), least, most) : undefined),
    expects: `a whole number from ${least} to ${most}`,
  }) satisfies Kind<number>

const mostWorkers = 256
const count = wholeNumber(1, mostWorkers)

export const workerCount = {
  parse: (text: string): number | 'auto' | undefined => (text === 'auto' ? text : count.parse(text)),
  expects: `${count.expects}, or auto for one on each core`,
} satisfies Kind<number | 'auto'>

export const positiveNumber = {
  parse: (text: string) =>
    /^\d{1,6}(\.\d{1,6})?$/.test(text) && Number(text) > 0 ? Number(text) : undefined,
  expects: 'a number above 0, such as 1 or 0.5',
} satisfies Kind<number>

const units = { ms: 1, s: second, m: minute, h: hour, d: day } as const
const isUnit = (text: string): text is keyof typeof units => Object.hasOwn(units, text)

/** Milliseconds, written as a whole number with its unit (`10m`), or a plain `0`. Both bounds are allowed. */
export const duration = (least: number, most: number) =>
  ({
    parse: (text: string) => {
      const milliseconds = parseDuration(text)
      return milliseconds === undefined ? undefined : within(milliseconds, least, most)
    },
    expects: `a time from ${showDuration(least)} to ${showDuration(most)}, such as 500ms, 5s, 10m, 2h or 14d`,
    show: showDuration,
  }) satisfies Kind<number>

const longestWindow = 30 * day

/** One row of the table of limits with other numbers. */
export type LimitOverride = {
  /** Its public name. */
  readonly policy: string
  readonly count: number
  /** Milliseconds; the row's own where it is absent. */
  readonly window?: number
}

const parseOverride = (text: string): LimitOverride | undefined => {
  const [, policy = '', count = '', time] = /^([a-z-]+)=([1-9]\d{0,6})(?:\/(\w+))?$/.exec(text) ?? []
  if (policy === '') return undefined
  if (time === undefined) return { policy, count: Number(count) }
  const window = within(parseDuration(time) ?? 0, second, longestWindow)
  return window === undefined || window % second > 0 ? undefined : { policy, count: Number(count), window }
}

/** `read-user=2400`, `registration-address=100/1h` */
export const limitOverride = {
  parse: parseOverride,
  expects:
    'the name of a limit with a number above 0, such as read-user=2400, or with a time of whole seconds up to 30d as well, such as registration-address-hour=100/1h',
  show: ({ policy, count, window }) =>
    `${policy}=${count}${window === undefined ? '' : `/${showDuration(window)}`}`,
} satisfies Kind<LimitOverride>

/** Comma-separated, at least one entry, spaces around an entry ignored. */
export const listOf = <Value>(entry: Kind<Value>) =>
  ({
    parse: (text: string): readonly Value[] | undefined => {
      const values = entriesOf(text).map(entry.parse)
      return values.every(value => value !== undefined) ? values : undefined
    },
    expects: `${entry.expects}; several with commas between`,
    explain: (text: string) => {
      const entries = entriesOf(text)
      const index = entries.findIndex(part => entry.parse(part) === undefined)
      const why = entry.explain?.(entries[index] ?? '') ?? `write ${entry.expects}`
      return entries.length > 1 ? `entry ${index + 1}: ${why}` : why
    },
    show: (values: readonly Value[]) => values.map(entry.show ?? String).join(','),
  }) satisfies Kind<readonly Value[]>

/** As {@link listOf}, and nothing written is the empty list. */
export const listOrNone = <Value>(entry: Kind<Value>) => {
  const list = listOf(entry)
  return { ...list, parse: (text: string) => (text === '' ? [] : list.parse(text)) } satisfies Kind<
    readonly Value[]
  >
}

/**
 * `scheme://host[:port]` exactly as browsers write it in `Origin`, so that comparing is comparing texts.
 * Anything that a URL parser would have to change (upper case, default port, slash, user name) is refused.
 */
export const origin = {
  parse: (text: string) =>
    /^https?:\/\/[\w.:[\]-]+$/.test(text) && URL.parse(text)?.origin === text ? text : undefined,
  expects:
    'scheme, host and port only, such as https://api.example.org (lower case, no default port, no slash at the end)',
  explain: knownMistakes(
    [/\*/, 'a * would let every website in; write each origin in full, such as https://app.example.org'],
    [/^[^/]*\/\/[^/]*\/+$/, 'write it without the slash at the end'],
    [/^[^/]*\/\/[^/]*[/?#]/, 'write it without path, query or fragment'],
    [/@/, 'write it without a user and a password'],
    [/^(?!https?:\/\/)/i, 'write it with its scheme, such as https://api.example.org'],
    [/[^\p{ASCII}]/u, 'write the name of the host as browsers send it, in ASCII: xn--…'],
    [/[A-Z]/, 'write it in lower case'],
    [/^(http:.*:80|https:.*:443)$/, 'write it without the port, which is the default one'],
  ),
} satisfies Kind<string>

/** An IP address, or a range of them in CIDR form. */
export const addressOrRange = {
  parse: (text: string) => (isAddressOrRange(text) ? text : undefined),
  expects: 'an IP address or a CIDR range that begins with its first address, such as 10.0.0.5 or 10.0.0.0/8',
  explain: knownMistakes(
    [
      /^(\d+|true|false|yes|no|on|off|all|\*|.*\/0+)$/i,
      'a number of hops, "all" or a range of every address lets callers forge theirs; list the addresses or CIDR ranges of your proxies, such as 10.0.0.5 or 10.0.0.0/8',
    ],
    [/[a-z]\w*\.|^[g-z]/i, 'names are not looked up; list the addresses or CIDR ranges of your proxies'],
  ),
} satisfies Kind<string>

const within = (value: number, least: number, most: number): number | undefined =>
  value >= least && value <= most ? value : undefined

const parseDuration = (text: string): number | undefined => {
  if (text === '0') return 0
  const [, count = '', unit = ''] = /^(\d{1,9})([a-z]+)$/.exec(text) ?? []
  return isUnit(unit) ? Number(count) * units[unit] : undefined
}

function showDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0'
  const [name, size] = Object.entries(units).findLast(([, unit]) => milliseconds % unit === 0) ?? ['ms', 1]
  return `${milliseconds / size}${name}`
}

const entriesOf = (text: string): readonly string[] => text.split(',').map(entry => entry.trim())

/** A range of every address would trust the caller's own word. */
const isAddressOrRange = (text: string): boolean => (parseAddressRange(text)?.[1] ?? 0) > 0

import { isDeepStrictEqual } from 'node:util'
import { isLimitBy } from './counter-keys.ts'
import { type LimitName, type LimitRow, limits, policyName, windowNames } from './table.ts'

/** A limit that a route brings itself. */
export type OwnLimit = { readonly name: string; readonly rows: readonly LimitRow[] }

/** What a route says of how often it may be called. */
export type RouteLimit = LimitName | OwnLimit

/** By what the gate itself can count a caller whom no credential stands for, one who is signed in, and an API key. */
const knownOf = {
  stranger: ['address', 'anonymous'],
  user: ['address', 'user', 'session'],
  key: ['address', 'api-key', 'key-owner'],
} as const

/** Whether such a caller is counted at all; a limit without rows says itself that it counts nobody. */
export const counts = (limit: RouteLimit, caller: keyof typeof knownOf): boolean => {
  const rows: readonly LimitRow[] = typeof limit === 'string' ? limits[limit] : limit.rows
  const known: readonly string[] = knownOf[caller]
  return rows.length === 0 || rows.some(({ by }) => known.includes(by))
}

export const nameOf = (limit: RouteLimit): string => (typeof limit === 'string' ? limit : limit.name)

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0

/** Not all routes are written in TypeScript: a row by a name that is none would count nobody. */
const isSound = (row: LimitRow): boolean =>
  isLimitBy(row.by) &&
  ['exact', 'fast'].includes(row.kind) &&
  isCount(row.count) &&
  isCount(row.burst ?? 1) &&
  (row.kind === 'fast' || (isCount(row.away) && row.away <= row.count)) &&
  windowNames.has(row.window)

/** Rows of one name would share a counter. */
const areDistinct = ({ name, rows }: OwnLimit): boolean =>
  new Set(rows.map(row => policyName(name, row))).size === rows.length

const checkName = (name: string): void => {
  if (!Object.hasOwn(limits, name))
    throw new Error(`there is no limit ${name}: write one of ${Object.keys(limits).join(', ')}`)
}

/**
 * Takes the limits of routes as they are declared.
 * @param add is told of each once
 */
export const createOwnLimits = (add: (limit: OwnLimit) => void): ((limit: RouteLimit) => void) => {
  const known = new Map<string, OwnLimit>()
  /** @throws Error for one that can't be counted, and for two different ones of one name */
  return limit => {
    if (typeof limit === 'string') return checkName(limit)
    const { name, rows } = limit
    if (!/^[a-z]+(-[a-z]+)*$/.test(name))
      throw new Error(`the limit "${name}": write letters a to z, and dashes between words`)
    if (Object.hasOwn(limits, name))
      throw new Error(`the limit ${name} is one of Gatewright's own: write its name, or choose another`)
    if (rows.length === 0 || !rows.every(isSound))
      throw new Error(
        `the limit ${name} can't be counted: each row says by what (such as 'user' or 'address') and of which kind ('exact' or 'fast'), and has whole numbers above 0 (away no more than count), and a minute, an hour or a day as its window`,
      )
    if (!areDistinct(limit))
      throw new Error(`the limit ${name} can't be counted: two of its rows count the same in the same window`)
    const before = known.get(name)
    if (before === undefined) add(limit)
    else if (!isDeepStrictEqual(before, limit))
      throw new Error(`two routes declare different limits named ${name}`)
    known.set(name, limit)
  }
}

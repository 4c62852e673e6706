import { isDeepStrictEqual } from 'node:util'
import { type LimitName, type LimitRow, limits, windowNames } from './table.ts'

/** A limit that a route brings itself. */
export type OwnLimit = { readonly name: string; readonly rows: readonly LimitRow[] }

/** What a route says of how often it may be called. */
export type RouteLimit = LimitName | OwnLimit

export const nameOf = (limit: RouteLimit): string => (typeof limit === 'string' ? limit : limit.name)

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0

const isSound = (row: LimitRow): boolean =>
  isCount(row.count) &&
  isCount(row.burst ?? 1) &&
  isCount(row.kind === 'exact' ? row.away : 1) &&
  windowNames.has(row.window)

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
        `the limit ${name} can't be counted: each row has whole numbers above 0, and a minute, an hour or a day as its window`,
      )
    const before = known.get(name)
    if (before === undefined) add(limit)
    else if (!isDeepStrictEqual(before, limit))
      throw new Error(`two routes declare different limits named ${name}`)
    known.set(name, limit)
  }
}

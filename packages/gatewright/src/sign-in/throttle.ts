import { type Clock, timeAsSet } from '../ground/clock.ts'
import { isNullRefused } from '../storage/null-refused.ts'
import type { Database } from '../storage/tables.ts'
import { chargeThrottles } from './charge-throttles.ts'
import { refusesUntil, type ThrottleSettings, throttleRuleOf } from './throttle-rule.ts'

export type ThrottleDependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly settings: ThrottleSettings
}

type Keys = readonly string[]

/** Each time it fails, somebody else was let through. */
const attempts = 3

/**
 * Counts a guess before it is checked. Whoever was let through and was right, or was not checked after all,
 * is given it back: {@link forgive}, {@link giveBack}.
 * @param keys what is guessed at: one or two
 * @returns false where it must not be checked: then nothing is counted
 */
export const countGuess = async (
  { db, clock, settings }: ThrottleDependencies,
  keys: Keys,
): Promise<boolean> => {
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return true
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      return await chargeThrottles(db, keys, { now: timeAsSet(clock), rule })
    } catch (error) {
      if (!isNullRefused(error)) throw error
    }
  }
  return false
}

/** The counters, locked in the order of a charge, for a change in a transaction of something else. */
const update = (db: Database, keys: Keys) =>
  db
    .updateTable('sign_in_throttles')
    .where('key', 'in', eb =>
      eb.selectFrom('sign_in_throttles').select('key').where('key', 'in', keys).orderBy('key').forUpdate(),
    )

const anew = { wrong: 0, open_at: 0 }

type Forgiving = { readonly db: Database; readonly settings: ThrottleSettings }

/**
 * The guess was right: it is given back, and the row of wrong ones begins anew. What else had used up the
 * reserve stays used up.
 * @param lifted counters of others, whose row begins anew as well
 */
export const forgive = async (
  { db, settings }: Forgiving,
  { keys, lifted = [] }: { readonly keys: Keys; readonly lifted?: Keys },
): Promise<void> => {
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return
  await update(db, keys)
    .set(eb => ({ ...anew, tat: eb('tat', '-', rule.regrows) }))
    .execute()
  await lift({ db, settings }, lifted)
}

/** The row of wrong ones begins anew at counters that others have used up. */
export const lift = async ({ db, settings }: Forgiving, keys: Keys): Promise<void> => {
  if (throttleRuleOf(settings) === undefined || keys.length === 0) return
  await update(db, keys).where('wrong', '>', 0).set(anew).execute()
}

/** The guess was not checked: as if it had not been made. The reserve bounds what that lets through. */
export const giveBack = async ({ db, settings }: ThrottleDependencies, keys: Keys): Promise<void> => {
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return
  await update(db, keys)
    .set(eb => ({
      // Another one, which was right, may have begun the row anew.
      wrong: eb
        .case()
        .when('wrong', '>', 0)
        .then(eb('wrong', '-', 1))
        .else(0)
        .end(),
      open_at: 0,
      tat: eb('tat', '-', rule.regrows),
    }))
    .execute()
}

/** What follows a guess that was let through: where it fails, the guess counts for nothing. */
export const unlessItFails = async <T>(
  dependencies: ThrottleDependencies,
  keys: Keys,
  job: () => Promise<T>,
): Promise<T> => {
  try {
    return await job()
  } catch (error) {
    // A database that is away as well says nothing new.
    await giveBack(dependencies, keys).catch(() => {})
    throw error
  }
}

/** Until when a counter refuses; undefined where it does not. */
export const findDelay = async (
  { db, clock, settings }: ThrottleDependencies,
  key: string,
): Promise<number | undefined> => {
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return undefined
  const now = timeAsSet(clock)
  const row = await db
    .selectFrom('sign_in_throttles')
    .select(['open_at', 'tat'])
    .where('key', '=', key)
    .executeTakeFirst()
  const until = row === undefined ? 0 : refusesUntil(rule, row, now)
  return until > now ? until : undefined
}

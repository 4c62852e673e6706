import type { ExpressionBuilder, SelectQueryBuilder } from 'kysely'
import type { Clock } from '../ground/clock.ts'
import { isNullRefused } from '../storage/null-refused.ts'
import type { Database, Tables } from '../storage/tables.ts'
import { delayAfter, type ThrottleRule, type ThrottleSettings, throttleRuleOf } from './throttle-rule.ts'

export type ThrottleDependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly settings: ThrottleSettings
}

type Throttles = Pick<Tables, 'sign_in_throttles'>
type Keys = readonly string[]
type Moment = { readonly now: number; readonly rule: ThrottleRule }

/** Above it a counter's reserve is used up. */
const latestTat = ({ now, rule }: Moment): number => now + rule.regrows * (rule.reserve - 1)

/** The keys as rows of their own, in the one order in which everybody locks them. */
const selectKeys = (db: Database, [first = '', ...others]: Keys) => {
  const select = (key: string): SelectQueryBuilder<Tables, never, { key: string }> =>
    db.selectNoFrom(eb => eb.val(key).as('key'))
  return others.reduce((rows, key) => rows.unionAll(select(key)), select(first)).as('asked')
}

const isRefusing = (eb: ExpressionBuilder<Throttles, 'sign_in_throttles'>, moment: Moment) =>
  eb.or([
    eb('sign_in_throttles.open_at', '>', moment.now),
    eb('sign_in_throttles.tat', '>', latestTat(moment)),
  ])

/** When a counter opens again that has had so many, as an expression of its column `wrong`. */
const opensAfterOneMore = (eb: ExpressionBuilder<Throttles, 'sign_in_throttles'>, { now, rule }: Moment) => {
  const { free, delays } = rule
  const wrong = eb.ref('sign_in_throttles.wrong')
  const stays = eb
    .case()
    .when(wrong, '<', free - 1)
    .then(eb.ref('sign_in_throttles.open_at'))
  return delays
    .slice(0, -1)
    .reduce((cases, delay, step) => cases.when(wrong, '=', free - 1 + step).then(now + delay), stays)
    .else(now + (delays.at(-1) ?? 0))
    .end()
}

/**
 * Charges all of the counters, or none if one of them refuses: one statement. What two look at at once is
 * decided where the row is written: there a counter that refuses meanwhile has no value to be given, and the
 * whole statement is undone.
 */
const charge = async (db: Database, keys: Keys, moment: Moment): Promise<boolean> => {
  const { now, rule } = moment
  const rows = await db
    .insertInto('sign_in_throttles')
    .columns(['key', 'wrong', 'open_at', 'tat', 'forgotten_at'])
    .expression(
      db
        .selectFrom(selectKeys(db, keys))
        .select(eb => [
          'asked.key',
          eb.lit(1).as('wrong'),
          eb.val(now + delayAfter(rule, 1)).as('open_at'),
          eb.val(now + rule.regrows).as('tat'),
          eb.val(now + rule.forgottenAfter).as('forgotten_at'),
        ])
        .where(eb =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('sign_in_throttles')
                .select('sign_in_throttles.key')
                .where('sign_in_throttles.key', 'in', keys)
                .where(inner => isRefusing(inner, moment)),
            ),
          ),
        )
        .orderBy('asked.key'),
    )
    .onConflict(conflict =>
      conflict.column('key').doUpdateSet(updated => {
        const eb = updated as unknown as ExpressionBuilder<Throttles, 'sign_in_throttles'>
        const tat = eb.ref('sign_in_throttles.tat')
        const one = eb('sign_in_throttles.wrong', '+', 1)
        return {
          wrong: eb.case().when(isRefusing(eb, moment)).then(null).else(one).end().$castTo<number>(),
          open_at: opensAfterOneMore(eb, moment),
          tat: eb(eb.case().when(tat, '>', now).then(tat).else(now).end(), '+', rule.regrows),
          forgotten_at: now + rule.forgottenAfter,
        }
      }),
    )
    .returning('key')
    .execute()
  return rows.length > 0
}

/** Each time it fails, somebody else was let through. */
const attempts = 3

/**
 * Counts a guess before it is checked. Whoever was let through and was right, or was not checked after all,
 * is given it back: {@link forgive}, {@link giveBack}.
 * @param keys what is guessed at; none twice
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
      return await charge(db, keys, { now: clock.now(), rule })
    } catch (error) {
      if (!isNullRefused(error)) throw error
    }
  }
  return false
}

/** The counters, locked in the order of {@link selectKeys}, for a change in a transaction of something else. */
const update = (db: Database, keys: Keys) =>
  db
    .updateTable('sign_in_throttles')
    .where('key', 'in', eb =>
      eb.selectFrom('sign_in_throttles').select('key').where('key', 'in', keys).orderBy('key').forUpdate(),
    )

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
  const anew = { wrong: 0, open_at: 0 }
  await update(db, keys)
    .set(eb => ({ ...anew, tat: eb('tat', '-', rule.regrows) }))
    .execute()
  if (lifted.length > 0) await update(db, lifted).where('wrong', '>', 0).set(anew).execute()
}

/** The guess was not checked: as if it had not been made. The reserve bounds what that lets through. */
export const giveBack = async ({ db, settings }: ThrottleDependencies, keys: Keys): Promise<void> => {
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return
  await update(db, keys)
    .where('wrong', '>', 0)
    .set(eb => ({ wrong: eb('wrong', '-', 1), open_at: 0, tat: eb('tat', '-', rule.regrows) }))
    .execute()
}

/** Until when a counter refuses; undefined where it does not. */
export const findDelay = async (
  { db, clock, settings }: ThrottleDependencies,
  key: string,
): Promise<number | undefined> => {
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return undefined
  const now = clock.now()
  const row = await db
    .selectFrom('sign_in_throttles')
    .select(['open_at', 'tat'])
    .where('key', '=', key)
    .executeTakeFirst()
  const until = row === undefined ? 0 : Math.max(row.open_at, row.tat - rule.regrows * (rule.reserve - 1))
  return until > now ? until : undefined
}

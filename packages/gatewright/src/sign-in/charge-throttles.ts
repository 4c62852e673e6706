import type { ExpressionBuilder } from 'kysely'
import { prepare } from '../storage/prepared.ts'
import type { Database, Tables } from '../storage/tables.ts'
import { delayAfter, furthestTimes, type ThrottleRule, throttleRule } from './throttle-rule.ts'

type Counters = Pick<Tables, 'sign_in_throttles'>
type Builder = ExpressionBuilder<Counters, 'sign_in_throttles'>

/** What a charge is judged by and writes, in the order of the rule's delays. */
const valuesOf = (now: number, rule: ThrottleRule) => ({
  now,
  furthestOpen: furthestTimes(rule, now).open_at,
  furthestTat: furthestTimes(rule, now).tat,
  /** Above it a counter's reserve is used up. */
  latest: now + rule.regrows * (rule.reserve - 1),
  regrows: rule.regrows,
  firstTat: now + rule.regrows,
  firstOpen: now + delayAfter(rule, 1),
  forgotten: now + rule.forgottenAfter,
  lastFree: rule.free - 1,
  ...Object.fromEntries(rule.delays.map((delay, step) => [`open${step}`, now + delay])),
})

type Values = Readonly<Record<string, string | number>>
type Value = (name: string) => Values[string]

/** It was written by a clock that was ahead: further than it can be. */
const isOfFuture = (eb: Builder, value: Value) =>
  eb.or([
    eb('sign_in_throttles.open_at', '>', value('furthestOpen') as number),
    eb('sign_in_throttles.tat', '>', value('furthestTat') as number),
  ])

/** See `refusesUntil`. */
const isRefusing = (eb: Builder, value: Value) =>
  eb.and([
    eb.or([
      eb('sign_in_throttles.open_at', '>', value('now') as number),
      eb('sign_in_throttles.tat', '>', value('latest') as number),
    ]),
    eb.not(isOfFuture(eb, value)),
  ])

/** When a counter opens again that has had one more, as an expression of what it had. */
const opensAfterOneMore = (eb: Builder, value: Value) => {
  const wrong = eb.ref('sign_in_throttles.wrong')
  const lastFree = value('lastFree') as number
  const [last, ...others] = throttleRule.delays.map((_, step) => step).reverse()
  const free = eb.case().when(wrong, '<', lastFree).then(eb.ref('sign_in_throttles.open_at'))
  return others
    .reverse()
    .reduce(
      (cases, step) => cases.when(eb(wrong, '-', step), '=', lastFree).then(value(`open${step}`) as number),
      free,
    )
    .else(value(`open${last}`) as number)
    .end()
}

/** The row of a counter that is there already: one that refuses has no value to be given, one of the future begins anew. */
const oneMore = (eb: Builder, value: Value) => {
  const [wrong, tat] = [eb.ref('sign_in_throttles.wrong'), eb.ref('sign_in_throttles.tat')]
  const [now, regrows] = [value('now') as number, value('regrows') as number]
  const ofFuture = () => eb.case().when(isOfFuture(eb, value))
  return {
    wrong: ofFuture()
      .then(eb.lit(1))
      .when(isRefusing(eb, value))
      .then(null)
      .else(eb(wrong, '+', 1))
      .end()
      .$castTo<number>(),
    open_at: ofFuture()
      .then(value('firstOpen') as number)
      .else(opensAfterOneMore(eb, value))
      .end(),
    tat: ofFuture()
      .then(value('firstTat') as number)
      .when(tat, '>', now)
      .then(eb(tat, '+', regrows))
      .else(value('firstTat') as number)
      .end(),
    forgotten_at: value('forgotten') as number,
  }
}

/**
 * Charges all of the counters, or none if one of them refuses, by one statement. What two look at at once is
 * decided where the row is written: there a counter that refuses meanwhile has no value to be given, and the
 * whole statement is undone. Rows are written in the order of their keys, so nobody waits for each other.
 */
const prepareCharge = (names: readonly string[]) =>
  prepare<Values, { key: string }>((db, value) => {
    const keys = names.map(name => value(name) as string)
    const rows = keys.map(key => db.selectNoFrom(eb => eb.val(key).as('key')))
    const asked = rows.reduce((all, row) => all.unionAll(row)).as('asked')
    const refusing = db
      .selectFrom('sign_in_throttles')
      .select('sign_in_throttles.key')
      .where('sign_in_throttles.key', 'in', keys)
      .where(eb => isRefusing(eb as unknown as Builder, value))
    return db
      .insertInto('sign_in_throttles')
      .columns(['key', 'wrong', 'open_at', 'tat', 'forgotten_at'])
      .expression(
        db
          .selectFrom(asked)
          .select(eb => [
            'asked.key',
            eb.lit(1).as('wrong'),
            eb.val(value('firstOpen') as number).as('open_at'),
            eb.val(value('firstTat') as number).as('tat'),
            eb.val(value('forgotten') as number).as('forgotten_at'),
          ])
          .where(eb => eb.not(eb.exists(refusing)))
          .orderBy('asked.key'),
      )
      .onConflict(conflict =>
        conflict.column('key').doUpdateSet(eb => oneMore(eb as unknown as Builder, value)),
      )
      .returning('key')
  })

const chargeOne = prepareCharge(['first'])
const chargeTwo = prepareCharge(['first', 'second'])

/** @param keys one or two, none twice. @returns false where one of them refuses: then nothing is written */
export const chargeThrottles = async (
  db: Database,
  [first = '', second]: readonly string[],
  { now, rule }: { readonly now: number; readonly rule: ThrottleRule },
): Promise<boolean> => {
  const values = valuesOf(now, rule)
  const { rows } =
    second === undefined
      ? await chargeOne(db, { ...values, first })
      : await chargeTwo(db, { ...values, first, second })
  return rows.length > 0
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readDocument, toTable, withParts } from '../../../../test/markdown.ts'
import { createSeeded, type Seeded } from '../../../../test/sessions/seeded.ts'
import { day, hour, minute } from '../ground/clock.ts'
import { delayAfter, mostInAnHour, type ThrottleRule, throttleRule, throttleRuleOf } from './throttle-rule.ts'

/** A counter as the rule means it, without a database. */
const createCounter = (rule: ThrottleRule) => {
  let [wrong, openAt, tat, forgottenAt] = [0, 0, 0, 0]
  return {
    guess: (now: number): boolean => {
      if (now >= forgottenAt) [wrong, openAt, tat] = [0, 0, 0]
      const isOpen = openAt <= now && tat <= now + rule.regrows * (rule.reserve - 1)
      if (!isOpen) return false
      wrong += 1
      openAt = now + delayAfter(rule, wrong)
      tat = Math.max(tat, now) + rule.regrows
      forgottenAt = now + rule.forgottenAfter
      return true
    },
    lift: (): void => {
      ;[wrong, openAt] = [0, 0]
    },
  }
}

/** The most in any hour, both ends included. */
const mostOf = (times: readonly number[]): number =>
  Math.max(0, ...times.map((start, at) => times.slice(at).filter(time => time - start <= hour).length))

/** Guesses whenever it may, for so long; each step may lift the delay. */
const attack = (rule: ThrottleRule, until: number, lifts: (now: number) => boolean): readonly number[] => {
  const counter = createCounter(rule)
  const through: number[] = []
  for (let now = 0; now <= until; now += minute) {
    if (lifts(now)) counter.lift()
    while (counter.guess(now)) through.push(now)
  }
  return through
}

describe('guesses at one user, from any number of addresses', () => {
  test('ten are free, and then each waits longer than the one before: 1, 2, 4, 8, 15, 15 … minutes', () => {
    const waits = Array.from({ length: 20 }, (_, at) => delayAfter(throttleRule, at + 1) / minute)
    assert.deepEqual(waits, [...Array(9).fill(0), 1, 2, 4, 8, ...Array(7).fill(15)])
  })

  test('never more than 20 in any hour, as the rule says of itself', () => {
    assert.equal(mostInAnHour(throttleRule), 20)
  })

  test('a greedy one gets 17 into an hour, and not one less for the reserve', () => {
    assert.equal(mostOf(attack(throttleRule, 5 * hour, () => false)), 17)
    assert.equal(mostOf(attack({ ...throttleRule, reserve: 1_000 }, 5 * hour, () => false)), 17)
  })

  test('one who waits until it is all forgotten gets no more', () => {
    const counter = createCounter(throttleRule)
    const through: number[] = []
    for (let now = 0; now <= 5 * day; now += minute) {
      const isBusy = now % (day + 2 * hour) <= 90 * minute
      while (isBusy && counter.guess(now)) through.push(now)
    }
    assert.ok(through.length > 60)
    assert.ok(mostOf(through) <= 20, `${mostOf(through)}`)
  })

  test('one whose victim signs in from a known device every minute gets 20 in an hour, and no more', () => {
    assert.equal(mostOf(attack(throttleRule, 5 * hour, () => true)), 20)
  })

  const mostSeen = ({ oneIn, below }: Seeded): number =>
    mostOf(attack(throttleRule, 6 * hour, () => oneIn(1 + below(60))))
  test('however often it is lifted', t => {
    const seeded = createSeeded(t)
    for (let run = 0; run < 40; run++) assert.ok(mostSeen(seeded) <= 20)
  })
})

describe('LIMITS_SCALE', () => {
  const scaled = (limitsScale: number) => throttleRuleOf({ limits: 'on', limitsScale }) as ThrottleRule
  for (const [scale, free, most] of [
    [1, 10, 20],
    [0.5, 5, 10],
    [0.1, 1, 2],
    [0.001, 1, 1],
    [10, 100, 200],
  ] as const)
    test(`of ${scale} makes it ${free} free ones, and ${most} an hour`, () => {
      const rule = scaled(scale)
      assert.deepEqual([rule.free, mostInAnHour(rule)], [free, most])
      assert.ok(mostOf(attack(rule, 3 * hour, () => true)) <= most)
    })

  test('LIMITS=off counts nothing', () => {
    assert.equal(throttleRuleOf({ limits: 'off', limitsScale: 1 }), undefined)
  })
})

test('docs/security/sign-in.md has the rule as the code has it (UPDATE_DOCS=1 rewrites it)', () => {
  const { free, delays, reserve, regrows, forgottenAfter } = throttleRule
  const minutes = delays.map(delay => delay / minute)
  const page = 'docs/security/sign-in.md'
  const document = withParts(page, {
    'the rule': toTable(
      ['of one counter', 'is'],
      [
        ['wrong ones in a row that wait for nothing', `${free}`],
        ['minutes before each one that follows', `${minutes.join(', ')}, ${minutes.at(-1)} …`],
        ['at most at once, however often the row begins anew', `${reserve}`],
        ['and one more each', `${regrows / minute} minutes`],
        ['so in any hour at most', `${mostInAnHour(throttleRule)}`],
        ['forgotten, after the last one that was checked', `${forgottenAfter / hour} hours`],
      ],
    ),
  })
  assert.equal(readDocument(page), document)
})

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { keepHouse } from '../../../../test/housekeeping/keep-house.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import type { Engine } from '../compose.ts'
import { second as aSecond, day, hour, minute } from '../ground/clock.ts'
import { countGuess, findDelay, forgive, giveBack } from './throttle.ts'
import { throttleRule } from './throttle-rule.ts'

let t: TestApp
let second: SecondConnection
let made = 0
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})

let name: string
let user: string
beforeEach(() => {
  made += 1
  ;[name, user] = [`name.${made}`, `user.${made}`]
})

const guess = (keys: readonly string[] = [name, user], engine: Engine = t.engine) => countGuess(engine, keys)
const use = async (times: number, keys?: readonly string[]): Promise<void> => {
  for (let n = 0; n < times; n++) assert.ok(await guess(keys), `the ${n + 1}th was refused`)
}
const row = (key: string) => second.row('select * from sign_in_throttles where key = ?', key)
const wrongOf = (key: string): number => Number(row(key)?.wrong ?? 0)

describe('a guess', () => {
  test('past the free ones waits 1, 2, 4, 8, 15, 15 minutes, and not a millisecond longer', async () => {
    await use(throttleRule.free)
    for (const minutes of [1, 2, 4, 8, 15, 15, 15]) {
      assert.equal(await guess(), false)
      t.clock.advance(minutes * minute - 1)
      assert.equal(await guess(), false)
      t.clock.advance(1)
      assert.equal(await guess(), true)
    }
  })

  test('that is refused is not counted: knocking on makes nobody wait longer', async () => {
    await use(throttleRule.free)
    const before = [row(name), row(user)]
    for (let n = 0; n < 50; n++) assert.equal(await guess(), false)
    assert.deepEqual([row(name), row(user)], before)
  })

  test('is counted on all of its counters, or on none of them', async () => {
    await use(throttleRule.free, [user])
    assert.equal(await guess([name, user]), false)
    assert.equal(await guess([user, name]), false)
    assert.equal(row(name), undefined)
    await use(3, [name])
    assert.equal(await guess([name, user]), false)
    assert.deepEqual([wrongOf(name), wrongOf(user)], [3, 10])
  })

  test('at one name does not slow down another', async () => {
    await use(throttleRule.free)
    assert.ok(await guess(['another name', 'another user']))
  })

  test('is free again a day after the last one that was checked, when the counter is forgotten', async () => {
    await use(throttleRule.free)
    t.clock.advance(day)
    await keepHouse(t)
    assert.equal(row(name), undefined)
    await use(throttleRule.free)
  })
})

describe('guesses at the same moment', () => {
  for (const already of [0, 5, 9])
    test(`fifty where ${already} were wrong already: never more than the free ones get through`, async () => {
      await use(already)
      const answers = await Promise.all(Array.from({ length: 50 }, () => guess()))
      assert.equal(answers.filter(Boolean).length, throttleRule.free - already)
      assert.deepEqual([wrongOf(name), wrongOf(user)], [10, 10])
    })

  test('fifty, each at a name of its own of one user: the user has no more for it', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => guess([`${name}.${n}`, user])))
    assert.equal(answers.filter(Boolean).length, throttleRule.free)
  })

  test('fifty that name the same counters in another order wait for each other, and none fails', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => guess(n % 2 === 0 ? [name, user] : [user, name])),
    )
    assert.equal(answers.filter(Boolean).length, throttleRule.free)
  })

  test('fifty from two processes: they count together', async () => {
    const beside = await startTestApp({ ...t.engine.settings })
    beside.clock.advance(t.clock.now() - beside.clock.now())
    try {
      const both = [t.engine, beside.engine]
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => guess([name, user], both[n % 2])),
      )
      assert.equal(answers.filter(Boolean).length, throttleRule.free)
    } finally {
      await beside.close()
    }
  })

  test('among them right ones, which are forgiven: the reserve is never passed', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const isThrough = await guess()
        if (isThrough && n % 3 === 0) await forgive(t.engine, { keys: [name], lifted: [user] })
        return isThrough
      }),
    )
    assert.ok(answers.filter(Boolean).length <= throttleRule.reserve + 20)
    t.clock.advance(minute)
    await forgive(t.engine, { keys: [`${name}.other`], lifted: [name, user] })
    let through = 0
    while (await guess([user])) through += 1
    assert.ok(through <= throttleRule.reserve)
  })
})

describe('a right password', () => {
  test('begins the row anew and gives its own guess back, and no other', async () => {
    await use(9)
    const before = Number(row(user)?.tat)
    await use(1)
    await forgive(t.engine, { keys: [name, user] })
    for (const key of [name, user]) {
      const { wrong, open_at, tat } = row(key) ?? {}
      assert.deepEqual([wrong, open_at, tat].map(Number), [0, 0, before])
    }
  })

  test('a hundred times a day is never throttled', async () => {
    for (let n = 0; n < 100; n++) {
      assert.ok(await guess())
      await forgive(t.engine, { keys: [name, user] })
    }
  })

  test('between wrong ones does not give strangers more than the reserve', async () => {
    let through = 0
    for (let n = 0; n < 100; n++) {
      if (await guess()) through += 1
      else await forgive(t.engine, { keys: [`device.${name}`], lifted: [name, user] })
    }
    assert.equal(through, throttleRule.reserve)
  })
})

test('a guess that was not checked is given back: the next one finds things as they were', async () => {
  await use(9)
  const before = row(user)
  await use(1)
  assert.equal(await guess(), false)
  await giveBack(t.engine, [name, user])
  const { wrong, tat } = row(user) ?? {}
  assert.deepEqual([wrong, tat], [before?.wrong, before?.tat])
  assert.ok(await guess())
})

test('until when a counter refuses is told, by the delay and by the reserve', async () => {
  const until = () => findDelay(t.engine, user)
  assert.equal(await until(), undefined)
  await use(throttleRule.free)
  assert.equal(await until(), t.clock.now() + minute)
  for (const _ of [1, 2]) await forgive(t.engine, { keys: ['none'], lifted: [name, user] })
  assert.equal(await until(), undefined)
  await use(throttleRule.reserve - throttleRule.free)
  assert.equal(await until(), t.clock.now() + throttleRule.regrows)
  t.clock.advance(throttleRule.regrows)
  assert.equal(await until(), undefined)
})

describe('a counter of a clock that was ahead and was set right', () => {
  const until = () => findDelay(t.engine, user)
  /** Wrong ones on that clock, which is set right then. */
  const guessAhead = async (ahead: number, times: number): Promise<void> => {
    t.clock.advance(ahead)
    await use(times)
    t.clock.advance(-ahead)
  }

  for (const [ahead, times] of [
    [day, throttleRule.free],
    [day, 1],
    [hour, throttleRule.free],
    [365 * day, throttleRule.free],
  ] as const)
    test(`by ${ahead / hour} hours, after ${times}, refuses nobody, and from there all begins anew`, async () => {
      await guessAhead(ahead, times)
      assert.equal(await until(), undefined)
      const now = t.clock.now()
      await use(1)
      const { wrong, open_at, tat, forgotten_at } = row(user) ?? {}
      const { regrows, forgottenAfter } = throttleRule
      assert.deepEqual([wrong, open_at, tat, forgotten_at].map(Number), [
        ...[1, now, now + regrows, now + forgottenAfter],
      ])
      await use(throttleRule.free - 1)
      assert.equal(await guess(), false)
      assert.equal(await until(), now + minute)
    })

  test('whose row had begun anew there is none either: its reserve is not used up', async () => {
    await guessAhead(day, throttleRule.free)
    await forgive(t.engine, { keys: ['none'], lifted: [name, user] })
    assert.equal(await until(), undefined)
    await use(throttleRule.free)
    assert.equal(Number(row(user)?.tat), t.clock.now() + throttleRule.free * throttleRule.regrows)
  })

  test('lets no more than the free ones of fifty at once through', async () => {
    await guessAhead(day, throttleRule.free)
    const answers = await Promise.all(Array.from({ length: 50 }, () => guess()))
    assert.equal(answers.filter(Boolean).length, throttleRule.free)
    assert.deepEqual([wrongOf(name), wrongOf(user)], [10, 10])
  })

  test('is left alone where another counter refuses', async () => {
    await guessAhead(day, throttleRule.free)
    const before = row(user)
    await use(throttleRule.free, [`${name}.other`])
    assert.equal(await guess([`${name}.other`, user]), false)
    assert.deepEqual(row(user), before)
  })

  test('still refuses where that clock is that of another machine, five seconds ahead', async () => {
    await use(throttleRule.free + 0)
    t.clock.advance(minute)
    await use(1)
    t.clock.advance(-5 * aSecond)
    assert.equal(await guess(), false)
    assert.equal(await until(), t.clock.now() + 2 * minute + 5 * aSecond)
  })

  test('refuses as long as the longest delay and ten seconds at most', async () => {
    const { delays } = throttleRule
    for (const times of [throttleRule.free, ...delays.map(() => 1)]) {
      await use(times)
      t.clock.advance(Math.max(...delays))
    }
    await use(1)
    t.clock.advance(-10 * aSecond)
    assert.equal(await guess(), false)
    assert.notEqual(await until(), undefined)
    t.clock.advance(-1)
    assert.equal(await until(), undefined)
    assert.equal(await guess(), true)
  })
})

test('a process goes by the clock as it was set right, and not by the time that never goes back', async () => {
  await use(throttleRule.free)
  // As a machine's clock that was a day ahead: `now` stays there.
  const clock = { ...t.clock, now: () => t.clock.now() + day, behind: () => day }
  const engine = { ...t.engine, clock }
  assert.equal(await guess([name, user], engine), false)
  assert.equal(await findDelay(engine, user), t.clock.now() + minute)
})

test('LIMITS=off counts nothing, refuses nothing and writes nothing', async () => {
  const engine = { ...t.engine, settings: { ...t.engine.settings, limits: 'off' as const } }
  for (let n = 0; n < 50; n++) assert.ok(await guess([name, user], engine))
  assert.equal(row(name), undefined)
})

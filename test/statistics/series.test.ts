import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Clock, day, hour, minute } from 'gatewright/clock'
import { systemRandom } from 'gatewright/random'
import { inTransaction } from 'gatewright/transaction'
import type { KyselyPlugin } from 'kysely'
import { systemOrigin as origin, recordEvent } from '../../packages/gatewright/src/audit/record.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { type Figures, figureNames } from '../../packages/gatewright/src/statistics/figures.ts'
import { foldMinutes } from '../../packages/gatewright/src/statistics/fold.ts'
import { createMinutes, type Minutes } from '../../packages/gatewright/src/statistics/minutes.ts'
import { readSeries, toSeries } from '../../packages/gatewright/src/statistics/series.ts'
import type { Step } from '../../packages/gatewright/src/statistics/steps.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { keepHouse } from '../housekeeping/keep-house.ts'

let t: TestApp
let token: string
before(async () => {
  t = await startTestApp()
  token = (await signUp(t, 'chief', ['admin'])).access
})
after(() => t.close())
beforeEach(async () => {
  for (const table of ['statistics_minutes', 'statistics_hours'] as const)
    await t.engine.db.deleteFrom(table).execute()
})

type Process = Minutes & { readonly answer: (count: number, status?: number) => void }

/** One process more on the database of the app, which counts answers only. */
const newProcess = (clock: Clock = t.clock, db = t.engine.db.withPlugin(nothingToDo)): Process => {
  const statuses = new Map<number, number>()
  const minutes = createMinutes({ db, clock, random: systemRandom })
  minutes.countAnswers(() => statuses)
  return {
    ...minutes,
    answer: (count, status = 200) => void statuses.set(status, (statuses.get(status) ?? 0) + count),
  }
}

const nothingToDo: KyselyPlugin = {
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }) => result,
}

/** Of all that is kept. */
const readAll = async (): Promise<Figures> => {
  const today = Math.floor(t.clock.now() / day) * day
  const rows = await readSeries(t.engine, { step: 'day', from: today - 400 * day, until: today + 400 * day })
  return Object.fromEntries(
    figureNames.map(name => [name, rows.reduce((sum, row) => sum + row[name], 0)]),
  ) as Figures
}
const countRequests = async (): Promise<number> => (await readAll()).requests
const countRows = async (table: 'statistics_minutes' | 'statistics_hours'): Promise<number> =>
  (await t.engine.db.selectFrom(table).select('start').execute()).length

const ask = async (query: string) => t.call('GET', `admin/statistics?${query}`, { token })

describe('figures by minutes', () => {
  test('count each kind of answer and of event, and nothing that was rolled back', async () => {
    await t.engine.minutes.write()
    const before = await readAll()
    const { refresh } = await signUp(t, 'ann')
    await t.call('POST', 'login', { body: { username: 'ann', password: 'not the password of ann' } })
    await t.call('POST', 'refresh', { body: { refresh_token: refresh } })
    await t.call('GET', 'protected')
    await t.call('GET', '/nothing-here')
    const record = (name: 'second-factor.failed' | 'refresh-token.reused', end: () => unknown) =>
      inTransaction(t.engine.db, async work => {
        await recordEvent(t.engine, work, name, { origin })
        return end()
      }).catch(() => {})
    await record('second-factor.failed', () => new Refusal('invalid_mfa_code'))
    await record('refresh-token.reused', () => {
      throw new Error('rolled back')
    })
    await t.engine.minutes.write()
    const now = await readAll()
    const grown = Object.fromEntries(figureNames.map(name => [name, now[name] - before[name]]))
    const { requests = 0, ...others } = grown
    assert.ok(requests >= 5)
    assert.deepEqual(others, {
      refused: 2,
      limited: 0,
      errors: 0,
      sign_ins: 1,
      failed_sign_ins: 1,
      second_factors_failed: 1,
      refreshes: 1,
      reuses: 0,
      ended_sessions: 0,
      unusual: 0,
    })
  })

  test('of a minute in which nothing happened are no row', async () => {
    const one = newProcess()
    await one.write()
    assert.equal(await countRows('statistics_minutes'), 0)
  })

  test('of eight processes that write at once add up', async () => {
    const all = Array.from({ length: 8 }, () => newProcess())
    for (let round = 0; round < 5; round++) {
      for (const [n, each] of all.entries()) each.answer(n + 1)
      await Promise.all(all.map(each => each.write()))
      t.clock.advance(minute)
    }
    assert.equal(await countRequests(), 5 * 36)
  })

  test('are counted once where the answer to the write was lost', async () => {
    let losses = 3
    const lossy: KyselyPlugin = {
      ...nothingToDo,
      transformResult: async ({ result }) => {
        losses -= 1
        if (losses >= 0) throw new Error('the answer was lost')
        return result
      },
    }
    const one = newProcess(t.clock, t.engine.db.withPlugin(lossy))
    for (let round = 0; round < 5; round++) {
      one.answer(10)
      await one.write()
      t.clock.advance(minute)
    }
    assert.equal(await countRequests(), 50)
  })

  test('wait in memory while the database does not answer, each for its own minute', async () => {
    let isAway = true
    const away: KyselyPlugin = {
      ...nothingToDo,
      transformQuery: ({ node }) => {
        if (isAway) throw new Error('the database is away')
        return node
      },
    }
    const told: string[] = []
    const one = newProcess(t.clock, t.engine.db.withPlugin(away))
    one.start({ warn: (_fields, message) => void told.push(message) })
    for (let round = 1; round <= 800; round++) {
      one.answer(1)
      await one.write()
      t.clock.advance(minute)
    }
    assert.deepEqual([await countRequests(), told.length], [0, 1])
    isAway = false
    one.answer(1)
    await one.stop()
    assert.equal(await countRequests(), 720)
    assert.equal(await countRows('statistics_minutes'), 720)
  })

  test('of a process that was killed are what it had written, and the next one counts its own', async () => {
    const killed = newProcess()
    killed.answer(7)
    await killed.write()
    killed.answer(100)
    const next = newProcess()
    next.answer(3)
    await next.write()
    assert.equal(await countRequests(), 10)
  })

  test('are all kept while a clock jumps to and fro, each in the minute of its clock', async () => {
    let off = 0
    const clock: Clock = { ...t.clock, now: () => t.clock.now() + off }
    const one = newProcess(clock)
    const other = newProcess()
    const jumps = [0, 3 * day, -3 * hour, 0, -2 * minute, -2 * minute, 0, 0]
    for (const jump of jumps) {
      off = jump
      one.answer(1)
      other.answer(1)
      await Promise.all([one.write(), other.write()])
    }
    assert.equal(await countRequests(), 2 * jumps.length)
  })

  test('of an hour that is over by more than a day are added to it once, also by two at once and after a crash', async () => {
    const one = newProcess()
    for (let n = 0; n < 300; n++) {
      one.answer(1, n % 3 === 0 ? 401 : 200)
      await one.write()
      t.clock.advance(minute)
    }
    const before = await readAll()
    t.clock.advance(day + hour)
    const now = t.clock.now()
    await assert.rejects(
      inTransaction(t.engine.db, async work => {
        await foldMinutes(work, now)
        throw new Error('killed')
      }),
    )
    assert.equal(await countRows('statistics_hours'), 0)
    const fold = () => inTransaction(t.engine.db, work => foldMinutes(work, now))
    await Promise.all([fold(), fold(), fold()])
    assert.deepEqual(await readAll(), before)
    await keepHouse(t)
    const hours = await countRows('statistics_hours')
    assert.ok(hours === 4 || hours === 5 || hours === 6, String(hours))
    assert.deepEqual([before.requests, before.refused], [300, 100])
    t.clock.advance(2 * hour)
    await keepHouse(t)
    assert.equal(await countRows('statistics_minutes'), 0)
    assert.deepEqual(await readAll(), before)
    t.clock.advance(90 * day)
    await keepHouse(t)
    assert.equal(await countRows('statistics_hours'), 0)
  })
})

describe('GET /admin/statistics', () => {
  before(async () => {
    token = (await t.call('POST', 'login', { body: { username: 'chief', password } })).body.access_token
  })

  test('gives a point for each step, also where nothing was counted, and the last day by hours without a word', async () => {
    const one = newProcess()
    const now = t.clock.now()
    const begin = now - (now % minute)
    one.answer(4, 429)
    one.answer(2, 503)
    await one.write()
    const until = new Date(begin + minute).toISOString()
    const from = new Date(begin - 9 * minute).toISOString()
    const { body } = await ask(`step=minute&from=${from}&until=${until}`)
    assert.equal(body.series.length, 10)
    assert.deepEqual(body.series.at(0), { ...body.series.at(0), requests: 0, limited: 0 })
    assert.equal(body.series.at(0).start, from)
    assert.deepEqual(body.series.at(-1), { ...body.series.at(-1), requests: 6, limited: 4, errors: 2 })
    const usual = (await ask('')).body
    assert.equal(usual.step, 'hour')
    assert.ok([24, 25].includes(usual.series.length))
    assert.equal(usual.series.at(-1).requests, 6)
    const days = (await ask('step=day')).body.series
    assert.equal(days.at(-1).requests, 6)
  })

  test('takes the longest time of each step, at whatever moment it is asked for', () => {
    const longest = { minute: 12 * hour, hour: 31 * day, day: 90 * day } as const
    for (const [step, most] of Object.entries(longest) as [Step, number][])
      for (const now of [t.clock.now(), t.clock.now() + 1, t.clock.now() + 12_345_678]) {
        const { from, until } = toSeries({ step, from: now - most, until: now }, now)
        assert.ok(from <= now - most && until >= now, step)
      }
  })

  test('exhaustion: more steps than there may be, or times that are not kept, are refused with what to ask instead', async () => {
    const time = (ago: number): string => new Date(t.clock.now() - ago).toISOString()
    const refused: readonly (readonly [Step, number, number, RegExp])[] = [
      ['minute', 13 * hour, 0, /ask for step=hour/],
      ['minute', 3 * day, 3 * day - hour, /ask for step=hour/],
      ['minute', 60 * day, 0, /ask for step=day/],
      ['hour', 32 * day, 0, /ask for step=day/],
      ['hour', 400 * day, 0, /ask for a shorter or later time/],
      ['day', 92 * day, 0, /ask for a shorter or later time/],
      ['day', 0, hour, /must be before/],
    ]
    for (const [step, from, until, told] of refused) {
      const { status, body } = await ask(`step=${step}&from=${time(from)}&until=${time(until)}`)
      assert.deepEqual([status, body.code], [400, 'validation_failed'], step)
      assert.match(body.errors[0].message, told)
    }
    for (const query of ['step=second', 'from=yesterday', 'until=1', 'step=hour&step=day', 'other=1'])
      assert.equal((await ask(query)).body.code, 'validation_failed', query)
    assert.equal((await ask('until=1970-01-01T00:00:00Z')).status, 400)
    assert.equal((await ask('until=9999-12-31T23:59:59Z')).body.series.length, 25)
  })

  test('never asks for more points than a screen has, whatever the time', () => {
    const now = t.clock.now()
    for (const asked of [
      { step: 'minute', from: now - 12 * hour },
      { step: 'hour', from: now - 31 * day },
    ] as const) {
      const { from, until } = toSeries({ ...asked, until: now - (now % hour) }, now)
      assert.ok((until - from) / (asked.step === 'minute' ? minute : hour) <= 745)
    }
  })
})

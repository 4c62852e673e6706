import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { until } from '../../../../test/process/until.ts'
import { compose, type Engine } from '../compose.ts'
import { hour, minute, second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { inTransaction } from '../storage/transaction.ts'
import { checkHooks } from '../upkeep/hook-checks.ts'
import { emitHook } from './emit.ts'
import type { AnyHookEvent, HookEvent, Hooks } from './events.ts'
import { backOff, lease, mostAttempts } from './queue.ts'

let t: TestApp
let engines: Engine[] = []
let lines: { readonly level: string; readonly fields: Readonly<Record<string, unknown>> }[] = []

before(async () => {
  t = await startTestApp()
  // The blog's own hooks are no part of this.
  await t.engine.hooks.stop()
})
after(() => t.close())
beforeEach(() => {
  lines = []
})
afterEach(async () => {
  await Promise.all(engines.map(engine => engine.close()))
  engines = []
  await t.engine.db.deleteFrom('hook_events').execute()
})

/** As another process on the same database. */
const openEngine = async (): Promise<Engine> => {
  const engine = await compose({ settings: t.engine.settings, clock: t.clock, durability: 'off' })
  engines.push(engine)
  return engine
}

const log = {
  warn: (fields: object) => void lines.push({ level: 'warn', fields: { ...fields } }),
  error: (fields: object) => void lines.push({ level: 'error', fields: { ...fields } }),
}

const startEngine = async (hooks: Hooks): Promise<Engine> => {
  const engine = await openEngine()
  await engine.hooks.start(hooks, log)
  return engine
}

/** Something that happened to the user, in a transaction of its own. */
const emit = (engine: Engine, userId: string): Promise<void> =>
  inTransaction(engine.db, work => emitHook(engine, work, 'registered', { userId, roles: ['user'] }))

const listQueue = () => t.engine.db.selectFrom('hook_events').selectAll().orderBy('id').execute()
const isEmpty = async (): Promise<boolean> => (await listQueue()).length === 0

describe('a hook', () => {
  test('is delivered after the commit, and leaves the queue', async () => {
    const events: AnyHookEvent[] = []
    const engine = await startEngine({ registered: async event => void events.push(event) })
    await inTransaction(engine.db, async work => {
      await emitHook(engine, work, 'registered', { userId: 'ann', roles: ['user'] })
      engine.hooks.wake()
      assert.deepEqual(events, [])
    })
    await until('it is out of the queue', isEmpty)
    const [{ id, ...event }] = events as [AnyHookEvent]
    assert.match(id, /^\d+$/)
    assert.deepEqual(event, { name: 'registered', at: t.clock.now(), userId: 'ann', roles: ['user'] })
  })

  test('wakes nobody before its commit, when there would be nothing to see', async () => {
    await startEngine({ registered: async () => {} })
    let woken = 0
    const hooks = { wake: () => void woken++ }
    await inTransaction(t.engine.db, async work => {
      await emitHook({ clock: t.clock, hooks }, work, 'registered', { userId: 'ann', roles: [] })
      assert.equal(woken, 0)
    })
    assert.equal(woken, 1)
  })

  test('of a transaction that is rolled back is none', async () => {
    let calls = 0
    const engine = await startEngine({ registered: async () => void calls++ })
    const failing = inTransaction(engine.db, async work => {
      await emitHook(engine, work, 'registered', { userId: 'ann', roles: [] })
      throw new Error('thrown out')
    })
    await assert.rejects(failing)
    assert.ok(await isEmpty())
    await emit(engine, 'ben')
    await until('what came after it is delivered', isEmpty)
    assert.equal(calls, 1)
  })

  test('of a refusal that leaves its trace is delivered', async () => {
    let calls = 0
    const engine = await startEngine({ registered: async () => void calls++ })
    const refused = inTransaction(engine.db, async work => {
      await emitHook(engine, work, 'registered', { userId: 'ann', roles: [] })
      return new Refusal('refresh_token_reused')
    })
    await assert.rejects(refused, { code: 'refresh_token_reused' })
    await until('it is delivered', () => calls === 1)
  })

  test('gets an event that it can not change, down to its lists', async () => {
    const tried: unknown[] = []
    const engine = await startEngine({
      registered: async event => {
        tried.push(Object.isFrozen(event), Object.isFrozen(event.roles))
      },
    })
    await emit(engine, 'ann')
    await until('it is delivered', isEmpty)
    assert.deepEqual(tried, [true, true])
  })

  test('that no application has declared leaves no row behind', async () => {
    const engine = await startEngine({ 'user-deleted': async () => {} })
    await emit(engine, 'ann')
    assert.ok(await isEmpty())
  })

  test('that is declared no longer loses what waited for it', async () => {
    const engine = await startEngine({
      registered: async () => {
        throw new Error('not today')
      },
    })
    await emit(engine, 'ann')
    await until('it failed once', () => lines.length === 1)
    await engine.hooks.stop()
    await startEngine({})
    assert.ok(await isEmpty())
  })

  test('is delivered by the server when a process without the application was the cause', async () => {
    const events: AnyHookEvent[] = []
    await startEngine({ registered: async event => void events.push(event) })
    await emit(await openEngine(), 'ann')
    await until('the server has looked', () => events.length === 1)
  })

  test('runs beside three others at most', async () => {
    const release = Promise.withResolvers<void>()
    let running = 0
    let most = 0
    const engine = await startEngine({
      registered: async () => {
        most = Math.max(most, ++running)
        await release.promise
        running--
      },
    })
    for (let user = 0; user < 10; user++) await emit(engine, `user${user}`)
    await until('four run', () => running === 4)
    engine.hooks.wake()
    const taken = (await listQueue()).filter(({ attempts }) => attempts > 0)
    assert.equal(taken.length, 4)
    release.resolve()
    await until('all are delivered', isEmpty)
    assert.equal(most, 4)
  })
})

describe('a handler that fails', () => {
  const failing: Hooks = {
    registered: async () => {
      throw new Error('not today')
    },
  }

  test('harms nobody, also when it throws at once', async () => {
    const engine = await startEngine({
      registered: () => {
        throw new Error('at once')
      },
    })
    await emit(engine, 'ann')
    await until('it is in the log', () => lines.length === 1)
    assert.equal(lines[0]?.level, 'warn')
    assert.deepEqual(
      [lines[0]?.fields.hook, lines[0]?.fields.attempt, String(lines[0]?.fields.err)],
      ['registered', 1, 'Error: at once'],
    )
  })

  test('gets the event again, the same, after a pause that grows, and not before', async () => {
    const ids: string[] = []
    const others: string[] = []
    const engine = await startEngine({
      registered: async ({ id, userId }) => {
        if (userId !== 'ann') return void others.push(userId)
        ids.push(id)
        if (ids.length < 6) throw new Error('not yet')
      },
    })
    await emit(engine, 'ann')
    for (let attempt = 1; attempt < 6; attempt++) {
      await until(`attempt ${attempt} failed`, () => lines.length === attempt)
      const pauseOf = async () => ((await listQueue())[0]?.due_at ?? 0) - t.clock.now()
      const longest = second * 2 ** (attempt - 1)
      await until('it is given back', async () => (await pauseOf()) <= longest)
      const pause = await pauseOf()
      assert.ok(pause >= longest / 2, `${pause} ms after attempt ${attempt}`)
      t.clock.advance(pause - 1)
      await emit(engine, `other ${attempt}`)
      await until('another is delivered', () => others.length === attempt)
      assert.equal(ids.length, attempt)
      t.clock.advance(1)
      engine.hooks.wake()
      await until('it is tried again', () => ids.length === attempt + 1)
    }
    assert.equal(new Set(ids).size, 1)
    await until('it is out of the queue', isEmpty)
  })

  test('is left alone after its last attempt; the log and the doctor name the event', async () => {
    const engine = await startEngine(failing)
    await emit(engine, 'ann')
    const isGivenBack = async () => (await listQueue())[0]?.due_at !== t.clock.now() + lease
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      await until(`attempt ${attempt} failed`, () => lines.length === attempt)
      await until('it is given back', isGivenBack)
      assert.equal(lines.at(-1)?.level, attempt === mostAttempts ? 'error' : 'warn')
      t.clock.advance(hour)
      engine.hooks.wake()
    }
    const [row] = await listQueue()
    const finding = await checkHooks(t.engine)
    assert.equal(finding.level, 'warning')
    assert.match(finding.found, new RegExp(`given up after ${mostAttempts} attempts: registered ${row?.id}$`))

    engine.hooks.wake()
    await emit(engine, 'ben')
    await until('others go on', () => lines.length > mostAttempts)
    assert.equal(lines.at(-1)?.fields.attempt, 1)
    assert.equal((await listQueue()).find(({ user_id }) => user_id === 'ann')?.attempts, mostAttempts)
  })

  test('and was mended does what it owed, once the server was started again', async () => {
    const engine = await startEngine(failing)
    await emit(engine, 'ann')
    await until('it failed once', () => lines.length === 1)
    await engine.hooks.stop()
    await t.engine.db
      .updateTable('hook_events')
      .set({ attempts: mostAttempts, due_at: t.clock.now() })
      .execute()
    const users: string[] = []
    await startEngine({ registered: async ({ userId }) => void users.push(userId) })
    await until('it is out of the queue', isEmpty)
    assert.deepEqual(users, ['ann'])
  })

  test('keeps later events of its user waiting, and nobody else', async () => {
    const delivered: string[] = []
    let isMended = false
    const note = (event: HookEvent<'registered' | 'user-deleted'>) =>
      void delivered.push(`${event.name} ${event.userId}`)
    const engine = await startEngine({
      registered: async event => {
        if (event.userId === 'ann' && !isMended) throw new Error('not today')
        note(event)
      },
      'user-deleted': async event => note(event),
    })
    for (const userId of ['ann', 'ben']) {
      await emit(engine, userId)
      await inTransaction(engine.db, work => emitHook(engine, work, 'user-deleted', { userId }))
    }
    await until('the other is done', async () => delivered.length === 2 && lines.length === 1)
    assert.deepEqual(delivered, ['registered ben', 'user-deleted ben'])
    isMended = true
    t.clock.advance(minute)
    engine.hooks.wake()
    await until('the queue is empty', isEmpty)
    assert.deepEqual(delivered.slice(2), ['registered ann', 'user-deleted ann'])
  })
})

describe('a handler that hangs', () => {
  test('keeps others waiting for half a minute at most, and gets its event again', async () => {
    const delivered: string[] = []
    const countDelivered = () => delivered.length
    const hanging = Promise.withResolvers<void>()
    let hangs = true
    const engine = await startEngine({
      registered: async ({ userId }) => {
        if (hangs && userId.startsWith('slow')) await hanging.promise
        else delivered.push(userId)
      },
    })
    for (let user = 1; user <= 4; user++) await emit(engine, `slow${user}`)
    await until('four hang', async () => (await listQueue()).every(({ attempts }) => attempts === 1))
    await emit(engine, 'quick')
    t.clock.advance(30 * second)
    engine.hooks.wake()
    await new Promise(setImmediate)
    assert.equal(countDelivered(), 0)
    t.clock.advance(second)
    engine.hooks.wake()
    await until('the quick one is delivered', () => delivered.includes('quick'))
    assert.match(String(lines[0]?.fields.err), /longer than 30 s/)
    hangs = false
    t.clock.advance(minute)
    engine.hooks.wake()
    await until('the slow ones are delivered again', () => delivered.length === 5)
    hanging.resolve()
  })

  test('is waited for when the server closes, and nothing new is taken', async () => {
    const release = Promise.withResolvers<void>()
    const began: string[] = []
    const engine = await startEngine({
      registered: async ({ userId }) => {
        began.push(userId)
        await release.promise
      },
    })
    await emit(engine, 'ann')
    await until('it runs', () => began.length === 1)
    let isStopped = false
    const stopping = engine.hooks.stop().then(() => {
      isStopped = true
    })
    await emit(engine, 'ben')
    await new Promise(setImmediate)
    assert.equal(isStopped, false)
    release.resolve()
    await stopping
    assert.deepEqual(began, ['ann'])
    assert.deepEqual(
      (await listQueue()).map(({ user_id, attempts }) => [user_id, attempts]),
      [['ben', 0]],
    )
  })
})

test('of four processes on one database one gets each event', async () => {
  const delivered: string[] = []
  const hooks: Hooks = {
    registered: async ({ userId }) => {
      await new Promise(setImmediate)
      delivered.push(userId)
    },
  }
  const all = await Promise.all(Array.from({ length: 4 }, () => startEngine(hooks)))
  const users = Array.from({ length: 200 }, (_, index) => `user${index}`)
  await inTransaction(t.engine.db, async work => {
    for (const userId of users) await emitHook(t.engine, work, 'registered', { userId, roles: [] })
  })
  for (const engine of all) engine.hooks.wake()
  await until('all are delivered', isEmpty)
  assert.deepEqual(delivered.sort(), users.sort())
  assert.deepEqual(lines, [])
})

test('an event whose taker died is delivered again after its lease, and not before', async () => {
  const users: string[] = []
  const engine = await startEngine({ registered: async ({ userId }) => void users.push(userId) })
  const now = t.clock.now()
  await t.engine.db
    .insertInto('hook_events')
    .values({
      name: 'registered',
      user_id: 'ann',
      at: now,
      details: '{}',
      attempts: 1,
      due_at: now + lease,
    })
    .execute()
  t.clock.advance(lease - 1)
  await emit(engine, 'ben')
  await until('the other is delivered', () => users.includes('ben'))
  assert.deepEqual(users, ['ben'])
  t.clock.advance(1)
  engine.hooks.wake()
  await until('it is delivered', isEmpty)
  assert.deepEqual(users, ['ben', 'ann'])
})

test('the pause after an attempt doubles up to an hour, and two never agree on it', () => {
  const least = { bytes: () => new Uint8Array([0]) }
  const most = { bytes: () => new Uint8Array([255]) }
  assert.deepEqual([backOff(least, 1), backOff(most, 1)], [second / 2, second])
  assert.deepEqual([backOff(least, 5), backOff(most, 5)], [8 * second, 16 * second])
  assert.deepEqual([backOff(least, 23), backOff(most, 23)], [hour / 2, hour])
})

test('the doctor says what waits, and when nobody takes it', async () => {
  await t.engine.db.deleteFrom('declared_hooks').execute()
  await t.engine.db.insertInto('declared_hooks').values({ name: 'registered' }).execute()
  assert.deepEqual(await checkHooks(t.engine), { level: 'ok', found: 'none waiting' })
  await emit(t.engine, 'ann')
  assert.deepEqual(await checkHooks(t.engine), { level: 'ok', found: '1 event waiting' })
  t.clock.advance(hour + 1)
  const finding = await checkHooks(t.engine)
  assert.equal(finding.level, 'warning')
  assert.match(finding.found, /1 event waiting, the oldest \(registered\) due since/)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createBoundedQueue } from './bounded-queue.ts'
import { Refusal } from './refusal.ts'

const queueIsFull = (error: unknown): boolean => {
  assert.ok(error instanceof Refusal)
  assert.equal(error.code, 'unavailable')
  assert.deepEqual(error.details, { reason: 'too_many', retryAfter: 1 })
  return true
}

/** Lets everything run that is ready to. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Jobs that end when they are told to. */
const createJobs = () => {
  const ends: (() => void)[] = []
  let running = 0
  let most = 0
  return {
    job: async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>(resolve => ends.push(resolve))
      running -= 1
    },
    endOne: async () => {
      ends.shift()?.()
      await settle()
    },
    running: () => running,
    most: () => most,
  }
}

describe('a bounded queue', () => {
  test('refuses the caller after the last place, without running anything for him', async () => {
    const queue = createBoundedQueue({ atOnce: 2, maxWaiting: 3, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const taken = Array.from({ length: 5 }, () => queue.run(job))
    await assert.rejects(queue.run(job), queueIsFull)
    assert.equal(queue.count(), 2)
    assert.equal(queue.waiting(), 3)
    for (let n = 0; n < 5; n += 1) await endOne()
    await Promise.all(taken)
    assert.equal(queue.count(), 5)
  })

  test('refuses at once when nobody may wait', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 0, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const taken = queue.run(job)
    await assert.rejects(queue.run(job), queueIsFull)
    await endOne()
    await taken
  })

  test('holds its bounds under 200 parallel calls that come while others end', async () => {
    const queue = createBoundedQueue({ atOnce: 2, maxWaiting: 64, reason: 'too_many' })
    const { job, endOne, running, most } = createJobs()
    let refused = 0
    const calls: Promise<void>[] = []
    const call = () =>
      calls.push(
        queue.run(job).catch(error => {
          refused += Number(queueIsFull(error))
        }),
      )
    for (let n = 0; n < 100; n += 1) call()
    assert.equal(queue.waiting(), 64)
    for (let n = 0; n < 100; n += 1) {
      const ended = endOne()
      call()
      await ended
      assert.equal(running(), 2)
      assert.ok(queue.waiting() <= 64)
    }
    while (running() > 0) await endOne()
    await Promise.all(calls)
    assert.equal(most(), 2)
    assert.equal(queue.count() + refused, 200)
    assert.ok(refused >= 34)
  })

  test('lets nobody overtake, not even a caller who comes when a thread becomes free', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 64, reason: 'too_many' })
    const order: number[] = []
    const calls: Promise<void>[] = []
    const call = (n: number) =>
      queue.run(async () => {
        order.push(n)
        await settle()
        if (n < 20) calls.push(call(n + 20))
      })
    for (let n = 0; n < 20; n += 1) calls.push(call(n))
    while (calls.length < 40) await settle()
    await Promise.all(calls)
    assert.deepEqual(
      order,
      Array.from({ length: 40 }, (_, n) => n),
    )
  })

  test('goes on after a job that fails, which only its own caller hears of', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 64, reason: 'too_many' })
    const fails = () => Promise.reject(new Error('out of memory'))
    const throws = () => {
      throw new Error('out of order')
    }
    const results = await Promise.allSettled([
      queue.run(fails),
      queue.run(throws),
      queue.run(fails),
      queue.run(async () => 'done'),
    ])
    assert.deepEqual(
      results.map(result => (result.status === 'fulfilled' ? result.value : String(result.reason))),
      ['Error: out of memory', 'Error: out of order', 'Error: out of memory', 'done'],
    )
    assert.equal(queue.waiting(), 0)
    assert.equal(await queue.run(async () => 'free'), 'free')
  })

  const never = new AbortController().signal
  const caller = (group: string, isStranger = false) => ({ group, isKnown: !isStranger, gone: never })
  const placesAreTaken = { code: 'rate_limited', details: { reason: 'places_taken', retryAfter: 1 } }

  test('gives one caller so many places, running and waiting, and has them back when its jobs end', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 9, mostOfOne: 2, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const fails = () => job().then(() => Promise.reject(new Error('broken')))
    const taken = [queue.run(fails, caller('a')), queue.run(job, caller('a')), queue.run(job, caller('b'))]
    const results = Promise.allSettled(taken)
    await assert.rejects(queue.run(job, caller('a')), placesAreTaken)
    assert.equal(queue.waiting(), 2)
    await endOne()
    taken.push(queue.run(job, caller('a')))
    await assert.rejects(queue.run(job, caller('a')), placesAreTaken)
    for (let n = 0; n < 3; n += 1) await endOne()
    await Promise.all([results, ...taken.slice(1)])
    assert.equal(await queue.run(async () => 'free', caller('a')), 'free')
  })

  test('keeps waiting places from strangers, however many they are, and has no more of them for others', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 3, kept: 1, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const taken = ['a', 'b', 'c'].map(name => queue.run(job, caller(name, true)))
    await assert.rejects(queue.run(job, caller('d', true)), queueIsFull)
    taken.push(queue.run(job, caller('known')))
    await assert.rejects(queue.run(job, caller('another')), queueIsFull)
    for (let n = 0; n < 4; n += 1) await endOne()
    await Promise.all(taken)
  })

  test('a stranger who is refused has no place left behind', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 1, mostOfOne: 1, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const taken = [queue.run(job, caller('a')), queue.run(job, caller('b'))]
    for (let n = 0; n < 3; n += 1) await assert.rejects(queue.run(job, caller('c', true)), queueIsFull)
    for (let n = 0; n < 2; n += 1) await endOne()
    await Promise.all(taken)
  })

  test('who goes leaves the queue at once: nothing is run for him, and the next has his place', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 1, mostOfOne: 1, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const gone = new AbortController()
    const running = queue.run(job)
    const left = queue.run(() => assert.fail('run for nobody'), { ...caller('a'), gone: gone.signal })
    gone.abort()
    assert.equal(queue.waiting(), 0)
    await assert.rejects(left, { code: 'unavailable' })
    await assert.rejects(queue.run(job, { ...caller('a'), gone: gone.signal }), { code: 'unavailable' })
    const next = queue.run(job, caller('a'))
    for (let n = 0; n < 2; n += 1) await endOne()
    await Promise.all([running, next])
    assert.equal(queue.count(), 2)
  })

  test('who goes while his job runs takes nothing from the next', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 2, reason: 'too_many' })
    const { job, endOne, running } = createJobs()
    const gone = new AbortController()
    const jobs = [queue.run(job), queue.run(job, { ...caller('a'), gone: gone.signal }), queue.run(job)]
    await endOne()
    gone.abort()
    assert.deepEqual([running(), queue.waiting()], [1, 1])
    for (let n = 0; n < 2; n += 1) await endOne()
    await Promise.all(jobs)
  })

  test('refuses whoever gives way to one of a smaller group as it would have refused the newcomer', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 2, mostOfOne: 9, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const first = [queue.run(job, caller('a')), queue.run(job, caller('a'))]
    const last = queue.run(() => assert.fail('its place was given away'), caller('a'))
    const newcomer = queue.run(job, caller('b'))
    await assert.rejects(last, queueIsFull)
    for (let n = 0; n < 3; n += 1) await endOne()
    await Promise.all([...first, newcomer])
    assert.deepEqual([queue.count(), queue.waiting()], [3, 0])
  })

  test('lets nobody give way to one who has gone already', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 2, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const taken = ['a', 'a', 'a'].map(group => queue.run(job, caller(group)))
    const gone = AbortSignal.abort()
    await assert.rejects(queue.run(job, { ...caller('b'), gone }), {
      details: { reason: 'caller_gone', retryAfter: 1 },
    })
    for (let n = 0; n < 3; n += 1) await endOne()
    await Promise.all(taken)
  })

  test('says before whether it would refuse, and takes no place for that', async () => {
    const queue = createBoundedQueue({ atOnce: 1, maxWaiting: 2, kept: 1, reason: 'too_many' })
    const { job, endOne } = createJobs()
    const taken: Promise<void>[] = []
    for (const group of ['a', 'b']) {
      for (let n = 0; n < 3; n += 1) queue.check(caller(group, true))
      taken.push(queue.run(job, caller(group, true)))
    }
    assert.throws(() => queue.check(caller('c', true)), queueIsFull)
    queue.check(caller('known'))
    assert.equal(queue.waiting(), 1)
    for (let n = 0; n < 2; n += 1) await endOne()
    await Promise.all(taken)
  })

  for (const bounds of [
    { mostOfOne: 0 },
    { mostOfOne: 1.5 },
    { kept: -1 },
    { kept: 5 },
    { kept: Number.NaN },
  ])
    test(`is not made with ${JSON.stringify(bounds)} of four places`, () => {
      const make = () => createBoundedQueue({ atOnce: 1, maxWaiting: 4, reason: 'too_many', ...bounds })
      assert.throws(make, TypeError)
    })

  for (const bounds of [
    { atOnce: 0, maxWaiting: 1, reason: 'too_many' },
    { atOnce: Number.NaN, maxWaiting: 1, reason: 'too_many' },
    { atOnce: 1.5, maxWaiting: 1, reason: 'too_many' },
    { atOnce: 1, maxWaiting: -1, reason: 'too_many' },
    { atOnce: 1, maxWaiting: Number.POSITIVE_INFINITY, reason: 'too_many' },
  ])
    test(`is not made with ${bounds.atOnce} at once and ${bounds.maxWaiting} waiting`, () => {
      assert.throws(() => createBoundedQueue(bounds), TypeError)
    })
})

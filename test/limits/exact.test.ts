import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { day, hour, minute, second } from 'gatewright/clock'
import { systemRandom } from 'gatewright/random'
import { sha256 } from '../../packages/gatewright/src/ground/encoding.ts'
import { addressAndUsername } from '../../packages/gatewright/src/limits/counter-keys.ts'
import type { CounterStore } from '../../packages/gatewright/src/limits/counter-store.ts'
import { createLimiter } from '../../packages/gatewright/src/limits/limiter.ts'
import { StoreAway } from '../../packages/gatewright/src/limits/store-away.ts'
import { type Home, openSqlHome } from './stores.ts'

let home: Home
before(async () => {
  home = await openSqlHome(2)
})
after(() => home.close())

let now = Date.UTC(2026, 10, 21)
/** Nothing of the test before is left. */
beforeEach(() => {
  now += 1_000 * hour
})

/**
 * A process on the store, how often it asked, and a way to cut it off.
 * @param behind how far the machine's clock was set back since it started
 */
const openProcess = (index = 0, behind = 0) => {
  const real = home.stores[index] ?? assert.fail('there is a store')
  const cut = { isCut: false, asked: 0 }
  const guard = async <T>(ask: () => Promise<T>): Promise<T> => {
    cut.asked += 1
    if (cut.isCut) throw new StoreAway('cut')
    return ask()
  }
  const store: CounterStore = {
    take: (charges, at) => guard(() => real.take(charges, at)),
    giveBack: (charges, at) => guard(() => real.giveBack(charges, at)),
    add: (sums, since) => guard(() => real.add(sums, since)),
  }
  const clock = { now: () => now + behind, behind: () => behind, monotonic: () => now - 5 }
  const limiter = createLimiter({ clock, random: systemRandom }, { store, clock, hashKey: sha256 })
  return { limiter, cut }
}
type Process = ReturnType<typeof openProcess>

const guess = ({ limiter }: Process, address = '192.0.2.1', name = 'ann') =>
  limiter.take('sign-in', { address, 'address+username': addressAndUsername(address, name) })

const useUp = async (process: Process): Promise<void> => {
  for (let n = 0; n < 5; n += 1) assert.equal((await guess(process)).allowed, true)
}

describe('an exact row', () => {
  test('is counted by all processes together, and by one that starts anew', async () => {
    const [one, other] = [openProcess(0), openProcess(1)]
    for (let n = 0; n < 5; n += 1) assert.equal((await guess(n % 2 ? one : other)).allowed, true)
    for (const process of [one, other, openProcess()])
      assert.deepEqual(await guess(process), {
        allowed: false,
        isExact: true,
        retryAfter: 12,
        rows: [
          { policy: 'sign-in-address-username', quota: 5, window: 60, remaining: 0, reset: 12 },
          { policy: 'sign-in-address', quota: 30, window: 60, remaining: 25, reset: 2 },
        ],
      })
  })

  test('100 guesses at once at a name nobody has tried, at two processes: exactly five get through', async () => {
    const processes = [openProcess(0), openProcess(1)]
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => guess(processes[n % 2] as Process)),
    )
    assert.equal(answers.filter(({ allowed }) => allowed).length, 5)
  })

  test('that refuses in one process is not charged by another limit row', async () => {
    const process = openProcess()
    await useUp(process)
    for (let n = 0; n < 100; n += 1) await guess(openProcess(n % 2))
    const { rows } = await guess(process, '192.0.2.1', 'bob')
    assert.deepEqual(
      rows.map(({ remaining }) => remaining),
      [4, 24],
    )
  })

  test('flood: 1,000 refused guesses within a second ask the store once, and get the same answer', async () => {
    const process = openProcess()
    await useUp(process)
    const first = await guess(process)
    const { asked } = process.cut
    for (let n = 0; n < 1_000; n += 1) assert.deepEqual(await guess(process), first)
    assert.equal(process.cut.asked, asked)
    now += second
    await guess(process)
    assert.equal(process.cut.asked, asked + 1)
  })

  test('flood: made-up names behind one refused address ask the store no more', async () => {
    const process = openProcess()
    for (let n = 0; n < 30; n += 1) await guess(process, '192.0.2.1', `n${n}`)
    assert.equal((await guess(process, '192.0.2.1', 'last')).allowed, false)
    const { asked } = process.cut
    for (let n = 0; n < 100; n += 1)
      assert.equal((await guess(process, '192.0.2.1', `made up ${n}`)).allowed, false)
    assert.equal(process.cut.asked, asked)
  })

  test('lets whoever waited as told through, to the second', async () => {
    const process = openProcess()
    await useUp(process)
    const { retryAfter } = await guess(process)
    now += (retryAfter - 1) * second
    assert.equal((await guess(process)).allowed, false)
    now += second
    assert.equal((await guess(process)).allowed, true)
  })

  test('gives a charge back for all, and at once where it was given back', async () => {
    const [one, other] = [openProcess(0), openProcess(1)]
    const keys = { address: '192.0.2.9' }
    for (let n = 0; n < 15; n += 1) await one.limiter.take('failed-sign-in', keys)
    for (const { limiter } of [one, other])
      assert.equal((await limiter.take('failed-sign-in', keys)).allowed, false)
    await one.limiter.giveBack('failed-sign-in', keys)
    assert.equal((await one.limiter.take('failed-sign-in', keys)).allowed, true)
    assert.equal((await one.limiter.take('failed-sign-in', keys)).allowed, false)
    await one.limiter.giveBack('failed-sign-in', keys)
    now += second
    assert.equal((await other.limiter.take('failed-sign-in', keys)).allowed, true)
  })

  test('is looked at without asking the store, as far as it is known', async () => {
    const process = openProcess()
    await useUp(process)
    const { asked } = process.cut
    const keys = { 'address+username': addressAndUsername('192.0.2.1', 'ann') }
    const { rows } = process.limiter.look('sign-in', keys)
    assert.equal(rows[0]?.remaining, 0)
    assert.equal(process.limiter.look('mail', { recipient: 'bob' }).rows[0]?.remaining, 5)
    assert.equal(process.cut.asked, asked)
  })

  test('counts 30 codes a minute of one address, whatever sign-in they belong to', async () => {
    const { limiter } = openProcess()
    const allowed = []
    for (let n = 0; n < 50; n += 1)
      allowed.push((await limiter.take('codes', { address: '192.0.2.1' })).allowed)
    assert.equal(allowed.filter(Boolean).length, 30)
  })

  test('counts mail by who asks and by who gets it', async () => {
    const { limiter } = openProcess()
    const allowed = []
    for (let n = 0; n < 20; n += 1) {
      const keys = { address: `192.0.2.${n}`, recipient: 'ann@example.org' }
      allowed.push((await limiter.take('mail', keys)).allowed)
    }
    assert.equal(allowed.filter(Boolean).length, 5)
    const asking = []
    for (let n = 0; n < 20; n += 1)
      asking.push((await limiter.take('mail', { address: '203.0.113.1', recipient: `n${n}` })).allowed)
    assert.equal(asking.filter(Boolean).length, 3)
  })
})

describe('once a clock that was ahead was set right, an exact row', () => {
  const useUpAhead = async (process: Process, ahead: number): Promise<void> => {
    now += ahead
    await useUp(process)
    assert.equal((await guess(process)).allowed, false)
    now -= ahead
  }

  for (const ahead of [2 * minute, day, 3_650 * day])
    test(`by ${ahead / minute} minutes refuses nobody, in no process, and from there the limit holds`, async () => {
      const [one, other] = [openProcess(0), openProcess(1)]
      await useUpAhead(one, ahead)
      for (let n = 0; n < 5; n += 1) assert.equal((await guess(n % 2 ? one : other)).allowed, true)
      for (const process of [one, other, openProcess()]) {
        const { allowed, retryAfter } = await guess(process)
        assert.deepEqual([allowed, retryAfter], [false, 12])
      }
    })

  test('is looked at as it is charged', async () => {
    const process = openProcess()
    const keys = { 'address+username': addressAndUsername('192.0.2.1', 'ann') }
    await useUpAhead(process, day)
    const { allowed, rows } = process.limiter.look('sign-in', keys)
    assert.deepEqual([allowed, rows[0]?.remaining], [true, 5])
  })

  test('still refuses where that clock is another machine’s, five seconds ahead', async () => {
    await useUpAhead(openProcess(0), 5 * second)
    for (const process of [openProcess(1), openProcess(0)]) {
      const { allowed, retryAfter } = await guess(process)
      assert.deepEqual([allowed, retryAfter], [false, 17])
    }
  })

  test('is counted by one that has seen the wrong time, and by others, together', async () => {
    const [one, other] = [openProcess(0, day), openProcess(1)]
    const answers = []
    for (let n = 0; n < 20; n += 1) answers.push((await guess(n % 2 ? one : other)).allowed)
    assert.equal(answers.filter(Boolean).length, 5)
    assert.equal((await guess(openProcess())).allowed, false)
  })
})

describe('while the store is away, an exact row', () => {
  test('lets its stated number through in each process and then says that the store is away', async () => {
    for (const process of [openProcess(0), openProcess(1)]) {
      process.cut.isCut = true
      for (let n = 0; n < 2; n += 1) assert.equal((await guess(process)).allowed, true)
      assert.deepEqual(await guess(process), {
        allowed: false,
        isExact: true,
        retryAfter: 5,
        isStoreAway: true,
        rows: [],
      })
      assert.equal((await guess(process, '192.0.2.2')).allowed, true)
    }
  })

  test('is given back what turned out right', async () => {
    const process = openProcess()
    process.cut.isCut = true
    for (let n = 0; n < 10; n += 1) {
      assert.equal((await process.limiter.take('failed-sign-in', { address: '192.0.2.1' })).allowed, true)
      await process.limiter.giveBack('failed-sign-in', { address: '192.0.2.1' })
    }
  })

  test('lets no more through in a minute, also when the store comes and goes', async () => {
    const process = openProcess()
    let allowed = 0
    for (let n = 0; n < 12; n += 1) {
      process.cut.isCut = true
      for (let guesses = 0; guesses < 10; guesses += 1) if ((await guess(process)).allowed) allowed += 1
      process.cut.isCut = false
      now += minute / 12
    }
    assert.ok(allowed <= 4, `${allowed}`)
  })

  test('takes back what turned out right, as the store does: an office that types no wrong password gets in', async () => {
    const process = openProcess()
    process.cut.isCut = true
    const keys = { address: '192.0.2.1' }
    for (let n = 0; n < 20; n += 1) {
      assert.equal((await process.limiter.take('failed-sign-in', keys)).allowed, true)
      await process.limiter.giveBack('failed-sign-in', keys)
    }
    for (let n = 0; n < 5; n += 1) await process.limiter.take('failed-sign-in', keys)
    assert.equal((await process.limiter.take('failed-sign-in', keys)).allowed, false)
  })

  test('still refuses whom it knows to be over the limit, and not with the store', async () => {
    const process = openProcess()
    await useUp(process)
    await guess(process)
    process.cut.isCut = true
    const report = await guess(process)
    assert.deepEqual([report.allowed, report.isStoreAway], [false, undefined])
  })

  test('counts on where it was when the store is back', async () => {
    const process = openProcess()
    for (let n = 0; n < 3; n += 1) await guess(process)
    process.cut.isCut = true
    await guess(process)
    process.cut.isCut = false
    const { rows } = await guess(process)
    assert.equal(rows[0]?.remaining, 1)
  })
})

test('a mistake in the store is thrown, and lets nobody in', async () => {
  const clock = { now: () => now, behind: () => 0, monotonic: () => now }
  const fail = () => Promise.reject(new TypeError('a mistake'))
  const store = { take: fail, giveBack: fail, add: fail }
  const limiter = createLimiter({ clock, random: systemRandom }, { store, clock, hashKey: sha256 })
  await assert.rejects(async () => limiter.take('mail', { recipient: 'ann' }), /a mistake/)
  await assert.rejects(async () => limiter.giveBack('mail', { recipient: 'ann' }), /a mistake/)
})

test('a limit of both kinds charges no row where the other refuses', async () => {
  const { limiter } = openProcess()
  const common = { window: minute, describe: 'For a test.' } as const
  limiter.declare({
    name: 'both',
    rows: [
      { ...common, by: 'user', count: 4, kind: 'fast' },
      { ...common, by: 'session', count: 2, kind: 'exact', away: 1 },
    ],
  })
  const take = async (session: string) => {
    const { allowed, rows } = await limiter.take('both', { user: 'ann', session })
    return [allowed, ...rows.map(({ remaining }) => remaining)]
  }
  assert.deepEqual(await take('a'), [true, 3, 1])
  assert.deepEqual(await take('a'), [true, 2, 0])
  for (let n = 0; n < 9; n += 1) assert.equal((await take('a'))[0], false)
  assert.deepEqual(await take('b'), [true, 1, 1])
  assert.deepEqual(await take('b'), [true, 0, 0])
  assert.deepEqual(await take('c'), [false, 0])
})

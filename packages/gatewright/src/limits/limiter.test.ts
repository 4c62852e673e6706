import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { day, hour, minute, second } from '../ground/clock.ts'
import { systemRandom } from '../ground/random.ts'
import { addressAndUsername, type LimitKeys } from './counter-keys.ts'
import type { LimitReport } from './limit-report.ts'
import { createMemoryLimiter as createLimiter, type LimiterOptions, type MemoryLimiter } from './limiter.ts'
import { type LimitName, type LimitRow, limits } from './table.ts'

const setUp = (options: Partial<LimiterOptions> = {}) => {
  let now = 0
  const clock = { monotonic: () => now }
  return {
    limiter: createLimiter({ clock, random: systemRandom, ...options }),
    pass: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

const useUp = (take: () => LimitReport): void => {
  for (let n = 0; n < 2_000; n += 1) if (!take().allowed) return
  assert.fail('2,000 requests and no refusal')
}

const fromAddress = (address: string): LimitKeys => ({
  'address+username': addressAndUsername(address, 'ann'),
})

describe('refused', () => {
  test('is the sixth guess at one password within a minute', () => {
    const { limiter } = setUp()
    for (let guess = 0; guess < 5; guess += 1)
      assert.equal(limiter.take('sign-in', fromAddress('192.0.2.1')).allowed, true)
    assert.deepEqual(limiter.take('sign-in', fromAddress('192.0.2.1')), {
      allowed: false,
      retryAfter: 12,
      rows: [{ policy: 'sign-in-address-username', quota: 5, window: 60, remaining: 0, reset: 12 }],
    })
  })

  test('is a retry one second early, allowed is one at the stated time', () => {
    const { limiter, pass } = setUp()
    const keys = { session: 's1' }
    for (let guess = 0; guess < 5; guess += 1) limiter.take('confirm-password', keys)
    const { retryAfter } = limiter.take('confirm-password', keys)
    pass((retryAfter - 1) * second)
    assert.equal(limiter.take('confirm-password', keys).allowed, false)
    pass(second)
    assert.equal(limiter.take('confirm-password', keys).allowed, true)
  })

  test('says to wait 1 second even if it is less', () => {
    const { limiter } = setUp()
    for (let n = 0; n < 1_200; n += 1) limiter.take('read', { user: 'u1' })
    assert.equal(limiter.take('read', { user: 'u1' }).retryAfter, 1)
  })

  test('charges no other row: 20 registrations an hour, and the refused do not count for the day', () => {
    const { limiter, pass } = setUp()
    const keys = { address: '192.0.2.1' }
    for (let n = 0; n < 20; n += 1) limiter.take('registration', keys)
    for (let n = 0; n < 500; n += 1) assert.equal(limiter.take('registration', keys).allowed, false)
    const [, daily] = limiter.take('registration', keys).rows
    assert.equal(daily?.remaining, 180)
    pass(hour)
    assert.equal(limiter.take('registration', keys).allowed, true)
  })

  test('is whoever stays under the hourly row but over the daily one', () => {
    const { limiter, pass } = setUp()
    let allowed = 0
    for (let n = 0; n < 20 * 24; n += 1) {
      if (limiter.take('registration', { address: '192.0.2.1' }).allowed) allowed += 1
      pass(hour / 20)
    }
    assert.ok(allowed < 400, `${allowed} of 480`)
    assert.ok(allowed > 380, `${allowed} of 480`)
  })

  test('waits for the slowest of the rows that refuse', () => {
    const { limiter, pass } = setUp()
    const keys = { address: '192.0.2.1' }
    for (let round = 0; round < 60; round += 1) {
      useUp(() => limiter.take('registration', keys))
      pass(hour / 2)
    }
    useUp(() => limiter.take('registration', keys))
    const { retryAfter, rows } = limiter.take('registration', keys)
    assert.deepEqual(
      rows.map(row => row.remaining > 0),
      [true, false],
    )
    pass((retryAfter - 1) * second)
    assert.equal(limiter.take('registration', keys).allowed, false)
    pass(second)
    assert.equal(limiter.take('registration', keys).allowed, true)
  })

  test('is everything for a limit that the table does not have', () => {
    const { limiter } = setUp()
    assert.throws(() => limiter.take('reed' as LimitName, { user: 'u1' }), TypeError)
  })

  test('is a key of address and username that was put together by hand', () => {
    const { limiter } = setUp()
    assert.throws(() => limiter.take('sign-in', { 'address+username': '192.0.2.1' }), TypeError)
  })

  for (const scale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    test(`is a scale of ${scale}`, () => assert.throws(() => setUp({ scale }), TypeError))

  for (const capacity of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    test(`is a capacity of ${capacity}`, () => assert.throws(() => setUp({ capacity }), TypeError))
})

describe('attack', () => {
  test('rotating through a /64 guesses no more than one address', () => {
    const { limiter } = setUp()
    const allowed = Array.from(
      { length: 100 },
      (_, n) => limiter.take('sign-in', fromAddress(`2001:db8:1:2:${n}::${n}`)).allowed,
    )
    assert.equal(allowed.filter(Boolean).length, 5)
    assert.equal(limiter.take('sign-in', fromAddress('2001:0DB8:0001:0002:ffff::1')).allowed, false)
  })

  for (const [name, by] of [
    ['read', 'anonymous'],
    ['registration', 'address'],
  ] as const)
    test(`rotating through a /64 is one ${by} for ${name}`, () => {
      const { limiter } = setUp()
      const remaining = (address: string) => limiter.take(name, { [by]: address }).rows[0]?.remaining
      const first = remaining('2001:db8:1:2::1') ?? 0
      assert.equal(remaining('2001:db8:1:2:ffff::1'), first - 1)
      assert.equal(remaining('2001:db8:1:3::1'), first)
    })

  test('guessing from elsewhere does not lock the owner out', () => {
    const { limiter } = setUp()
    for (let n = 0; n < 100; n += 1) limiter.take('sign-in', fromAddress('2001:db8:1:2::1'))
    assert.equal(limiter.take('sign-in', fromAddress('2001:db8:1:3::1')).allowed, true)
    assert.equal(limiter.take('sign-in', fromAddress('192.0.2.1')).allowed, true)
  })

  test('a flood of 200,000 keys frees no limited key and fills no more than the capacity', () => {
    const capacity = 100_000
    const { limiter } = setUp({ capacity })
    useUp(() => limiter.take('confirm-password', { session: 'thief' }))
    for (let n = 0; n < 200_000; n += 1) {
      limiter.take('confirm-password', { session: `flood ${n}` })
      assert.ok(limiter.size() <= capacity)
    }
    assert.equal(limiter.size(), capacity)
    assert.equal(limiter.take('confirm-password', { session: 'thief' }).allowed, false)
  })

  test('a key that came too late for a counter of its own gets no more than its limit', () => {
    const { limiter } = setUp({ capacity: 10 })
    for (let n = 0; n < 10; n += 1) limiter.take('write', { user: `flood ${n}` })
    const allowed = Array.from({ length: 500 }, () => limiter.take('write', { user: 'late' }).allowed)
    assert.equal(allowed.filter(Boolean).length, 120)
    assert.equal(limiter.size(), 10)
  })

  test('a key that moves from a shared counter to its own does not start anew', () => {
    const { limiter, pass } = setUp({ capacity: 1 })
    limiter.take('write', { user: 'early' })
    useUp(() => limiter.take('write', { user: 'late' }))
    pass(minute / 120)
    const allowed = Array.from({ length: 500 }, () => limiter.take('write', { user: 'late' }).allowed)
    assert.equal(limiter.size(), 1)
    assert.equal(allowed.filter(Boolean).length, 1)
  })

  test('10,000 keys too many share 1,024 counters: together they get no more than these', () => {
    const { limiter } = setUp({ capacity: 1 })
    limiter.take('confirm-password', { session: 'early' })
    let allowed = 0
    for (let n = 0; n < 10_000; n += 1)
      for (let guess = 0; guess < 3; guess += 1)
        if (limiter.take('confirm-password', { session: `late ${n}` }).allowed) allowed += 1
    assert.ok(allowed <= 5 * 1_024, `${allowed}`)
    assert.ok(allowed > 4 * 1_024, `${allowed}: the hash does not spread`)
  })

  test('where a late key is counted differs from process to process', () => {
    const refusedOf = () => {
      const { limiter } = setUp({ capacity: 1 })
      limiter.take('confirm-password', { session: 'early' })
      const keys = Array.from({ length: 5_000 }, (_, n) => `late ${n}`)
      for (let guess = 0; guess < 2; guess += 1)
        for (const user of keys) limiter.take('confirm-password', { session: user })
      return keys.filter(user => !limiter.take('confirm-password', { session: user }).allowed).join()
    }
    assert.notEqual(refusedOf(), refusedOf())
  })

  test('a username of a megabyte is counted and not kept', () => {
    const { limiter } = setUp()
    const keys = (end: string) => ({
      'address+username': addressAndUsername('192.0.2.1', 'a'.repeat(1e6) + end),
    })
    for (let n = 0; n < 5; n += 1) assert.equal(limiter.take('sign-in', keys('x')).allowed, true)
    assert.equal(limiter.take('sign-in', keys('x')).allowed, false)
    assert.equal(limiter.take('sign-in', keys('y')).allowed, true)
  })

  test('a username with a space in it cannot pass for another address or user', () => {
    const { limiter } = setUp()
    const take = (username: string) =>
      limiter.take('sign-in', { 'address+username': addressAndUsername('192.0.2.1', username) })
    for (let n = 0; n < 9; n += 1) take('ann lee')
    assert.equal(take('ann lee').allowed, false)
    assert.equal(take('ann').allowed, true)
    assert.equal(take('lee').allowed, true)
  })

  test('a clock that goes back opens no gate', () => {
    let now = 10 * day
    const limiter = createLimiter({ clock: { monotonic: () => now }, random: systemRandom })
    const take = () => limiter.take('confirm-password', { session: 'thief' })
    useUp(take)
    for (const back of [1, second, hour, day, 11 * day]) {
      now = 10 * day - back
      for (let n = 0; n < 10; n += 1) assert.equal(take().allowed, false)
      assert.ok(take().retryAfter <= 60)
    }
  })

  test('a clock that jumps ahead and back again allows one burst, not two', () => {
    let now = 0
    const limiter = createLimiter({ clock: { monotonic: () => now }, random: systemRandom })
    const take = () => limiter.take('confirm-password', { session: 'thief' })
    useUp(take)
    now = day
    useUp(take)
    now = 0
    assert.equal(take().allowed, false)
    now = hour
    assert.equal(take().allowed, false)
  })
})

describe('a /48', () => {
  const take = (limiter: MemoryLimiter, group: number) =>
    limiter.take('search', { anonymous: `2001:db8:1:${group.toString(16)}::1` })

  test('gets ten times what one of its 65,536 groups gets, however many of them are used', () => {
    const { limiter } = setUp()
    const allowed = Array.from({ length: 1_000 }, (_, group) => take(limiter, group).allowed)
    assert.equal(allowed.filter(Boolean).length, 300)
    assert.equal(limiter.take('search', { anonymous: '2001:db8:2:1::1' }).allowed, true)
  })

  test('is told where it refuses or has less left than the group, and not otherwise', () => {
    const { limiter } = setUp()
    const told = (group: number) =>
      take(limiter, group).rows.map(({ policy, quota, remaining }) => [policy, quota, remaining])
    assert.deepEqual(told(1), [['search-anonymous', 30, 29]])
    for (let group = 2; group < 273; group += 1) take(limiter, group)
    assert.deepEqual(told(999), [
      ['search-anonymous', 30, 29],
      ['search-anonymous-network', 300, 27],
    ])
    for (let group = 300; group < 328; group += 1) take(limiter, group)
    assert.deepEqual(told(1_000), [
      ['search-anonymous', 30, 30],
      ['search-anonymous-network', 300, 0],
    ])
  })

  test('counts a name from any of its groups ten times at most', () => {
    const { limiter } = setUp()
    const allowed = Array.from(
      { length: 100 },
      (_, group) => limiter.take('sign-in', fromAddress(`2001:db8:1:${group}::1`)).allowed,
    )
    assert.equal(allowed.filter(Boolean).length, 50)
  })

  test('has ten times what its groups have, however small LIMITS_SCALE makes that', () => {
    const { limiter } = setUp({ scale: 0.01 })
    const allowed = Array.from({ length: 100 }, (_, group) => take(limiter, group).allowed)
    assert.equal(allowed.filter(Boolean).length, 10)
  })

  test('is charged nothing by a group that is refused', () => {
    const { limiter } = setUp()
    for (let n = 0; n < 1_000; n += 1) take(limiter, 1)
    const allowed = Array.from({ length: 1_000 }, (_, group) => take(limiter, group + 2).allowed)
    assert.equal(allowed.filter(Boolean).length, 270)
  })
})

test('from one address never more than 30 are let through in any hour to fail', () => {
  const { limiter, pass } = setUp()
  const times: number[] = []
  for (let now = 0; now < 6 * hour; now += 10 * second) {
    if (limiter.take('failed-sign-in', { address: '192.0.2.1' }).allowed) times.push(now)
    if (now > 2 * hour && now < 4 * hour) limiter.look('failed-sign-in', { address: '192.0.2.1' })
    pass(10 * second)
  }
  const most = Math.max(
    ...times.map(start => times.filter(time => time >= start && time <= start + hour).length),
  )
  assert.equal(most, 30)
})

describe('counted apart', () => {
  test('are two users', () => {
    const { limiter } = setUp()
    useUp(() => limiter.take('write', { user: 'u1' }))
    assert.equal(limiter.take('write', { user: 'u2' }).allowed, true)
  })

  test('are a user and an address of the same text', () => {
    const { limiter } = setUp()
    useUp(() => limiter.take('read', { anonymous: '192.0.2.1' }))
    assert.equal(limiter.take('read', { user: '192.0.2.1' }).allowed, true)
  })

  test('are refresh and logout', () => {
    const { limiter } = setUp()
    useUp(() => limiter.take('refresh', { session: 's1' }))
    assert.equal(limiter.take('logout', { session: 's1' }).allowed, true)
  })

  test('are neighbouring IPv4 addresses', () => {
    const { limiter } = setUp()
    useUp(() => limiter.take('read', { anonymous: '192.0.2.1' }))
    assert.equal(limiter.take('read', { anonymous: '192.0.2.2' }).allowed, true)
  })
})

describe('allowed', () => {
  test('is anything unlimited, without a row to report', () => {
    const { limiter } = setUp()
    const report = limiter.take('unlimited', { address: '192.0.2.1', user: 'u1' })
    assert.deepEqual(report, { allowed: true, retryAfter: 0, rows: [] })
  })

  test('is everything, uncounted, when limits are switched off', () => {
    const { limiter } = setUp({ enabled: false })
    for (let n = 0; n < 10; n += 1)
      assert.deepEqual(limiter.take('sign-in', fromAddress('192.0.2.1')), {
        allowed: true,
        retryAfter: 0,
        rows: [],
      })
    assert.equal(limiter.size(), 0)
  })

  test('only rows whose key is given count', () => {
    const { limiter } = setUp()
    const policies = (keys: LimitKeys) => limiter.take('refresh', keys).rows.map(row => row.policy)
    assert.deepEqual(policies({ session: 's1', address: '192.0.2.1' }), [
      'refresh-session',
      'refresh-address',
    ])
    assert.deepEqual(policies({ session: undefined, address: '192.0.2.1' }), ['refresh-address'])
    assert.deepEqual(policies({ user: 'u1' }), [])
  })

  test('scaled counts are rounded, and never 0', () => {
    const quota = (scale: number) =>
      setUp({ scale }).limiter.take('sign-in', fromAddress('192.0.2.1')).rows[0]?.quota
    assert.deepEqual([2, 0.5, 0.01].map(quota), [10, 3, 1])
  })

  test('what has passed is swept by other requests, without a timer', () => {
    const { limiter, pass } = setUp()
    for (let n = 0; n < 1_000; n += 1) limiter.take('write', { user: `once ${n}` })
    assert.equal(limiter.size(), 1_000)
    pass(minute)
    for (let n = 0; n < 500; n += 1) limiter.take('write', { user: 'here' })
    assert.equal(limiter.size(), 1)
  })
})

/** The same promise told naively: how full each counter is, in parts of a request, draining by the millisecond. */
const createModel = () => {
  const levels = new Map<string, { level: number; at: number }>()
  const fill = (id: string, row: LimitRow, now: number) => {
    const { level, at } = levels.get(id) ?? { level: 0, at: now }
    return Math.max(0, level - (now - at) * row.count)
  }
  return (name: LimitName, keys: LimitKeys, now: number) => {
    const rows = limits[name]
      .map((row: LimitRow, index) => ({ row, id: `${name} ${index} ${keys[row.by]}`, key: keys[row.by] }))
      .filter(({ key }) => key !== undefined)
      .map(({ row, id }) => ({ row, id, level: fill(id, row, now) }))
    const over = rows.map(
      ({ row, level }) => (level + row.window - row.count * row.window) / (row.count * second),
    )
    const allowed = over.every(seconds => seconds <= 0)
    const after = rows.map(({ row, id, level }) => ({ row, id, level: allowed ? level + row.window : level }))
    for (const { id, level } of after) levels.set(id, { level, at: now })
    return {
      allowed,
      retryAfter: allowed ? 0 : Math.max(1, ...over.map(Math.ceil)),
      remaining: after.map(({ row, level }) => Math.floor((row.count * row.window - level) / row.window)),
    }
  }
}

const randomFrom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

test('random traffic is answered exactly as a naive simulation answers it', t => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const below = (count: number) => Math.floor(random() * count)
  const names = Object.keys(limits) as LimitName[]
  const addresses = ['192.0.2.1', '192.0.2.2', '2001:db8::']
  const spare = <T>(value: T): T | undefined => (random() < 0.7 ? value : undefined)

  for (let round = 0; round < 20; round += 1) {
    const { limiter, pass } = setUp()
    const model = createModel()
    const quietest = [10, second, minute, hour][below(4)] ?? second
    let now = 0
    let refused = 0
    for (let step = 0; step < 5_000; step += 1) {
      const wait = random() < 0.5 ? 0 : below(quietest)
      now += wait
      pass(wait)
      const address = addresses[below(addresses.length)] ?? ''
      const keys: LimitKeys = {
        address: spare(address),
        anonymous: spare(address),
        user: spare(`u${below(3)}`),
        session: spare(`s${below(3)}`),
        device: spare(`d${below(3)}`),
        'address+username': spare(addressAndUsername(address, `n${below(2)}`)),
        recipient: spare(`r${below(2)}`),
        'api-key': spare(`k${below(2)}`),
      }
      const name = names[below(names.length)] ?? 'read'
      const report = limiter.take(name, keys)
      const expected = model(name, keys, now)
      if (!report.allowed) refused += 1
      const got = {
        allowed: report.allowed,
        retryAfter: report.retryAfter,
        remaining: report.rows.map(row => row.remaining),
      }
      assert.deepEqual(got, expected, `seed ${seed}, round ${round}, step ${step}`)
    }
    if (quietest <= second) assert.ok(refused > 0, `seed ${seed}: nothing was refused`)
  }
})

describe('given back', () => {
  test('is one charge of each row, and never more than was used', () => {
    const { limiter } = setUp()
    const keys = { session: 's1', user: 'u1' }
    useUp(() => limiter.take('confirm-password', keys))
    limiter.giveBack('confirm-password', keys)
    assert.equal(limiter.take('confirm-password', keys).allowed, true)
    assert.equal(limiter.take('confirm-password', keys).allowed, false)
    for (let n = 0; n < 100; n += 1) limiter.giveBack('confirm-password', keys)
    const allowed = Array.from({ length: 20 }, () => limiter.take('confirm-password', keys).allowed)
    assert.equal(allowed.filter(Boolean).length, 5)
  })

  test('looking charges nothing', () => {
    const { limiter } = setUp()
    for (let n = 0; n < 100; n += 1)
      assert.equal(limiter.look('write', { user: 'u1' }).rows[0]?.remaining, 120)
  })
})

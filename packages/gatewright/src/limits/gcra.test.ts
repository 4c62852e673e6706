import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { minute } from '../ground/clock.ts'
import { charge, isAllowed, paceOf, type Rate, refund, standing, toMicroseconds, waitFor } from './gcra.ts'

const five = { count: 5, window: minute }
const pace = paceOf(five)

/** Sends requests at these times (milliseconds) and gives the times at which one was allowed. */
const send = (times: readonly number[], rate: Rate): readonly number[] => {
  const paced = paceOf(rate)
  let tat = 0
  return times.filter(time => {
    const now = toMicroseconds(time)
    const allowed = isAllowed(tat, now, paced)
    if (allowed) tat = charge(tat, now, paced)
    return allowed
  })
}

const randomFrom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

describe('a refusal', () => {
  test('comes with the sixth of five at once', () => {
    assert.equal(send(Array(50).fill(0), five).length, 5)
  })

  test('moves nothing: whoever keeps knocking waits no longer', () => {
    const knocking = Array.from({ length: 12_001 }, (_, millisecond) => millisecond)
    assert.deepEqual(send([0, 0, 0, 0, ...knocking], five), [0, 0, 0, 0, 0, 12_000])
  })

  test('holds until one microsecond before the stated wait is over, and ends with it', () => {
    const tat = toMicroseconds(minute)
    const wait = waitFor(tat, 0, pace)
    assert.equal(wait, 12_000_000)
    assert.equal(isAllowed(tat, wait - 1, pace), false)
    assert.equal(isAllowed(tat, wait, pace), true)
  })

  test('holds when the clock goes back, for as long as it went back', () => {
    const [tat, now] = [toMicroseconds(minute), toMicroseconds(-minute)]
    assert.equal(isAllowed(tat, now, pace), false)
    assert.equal(standing(tat, now, pace).remaining, 0)
    assert.equal(waitFor(tat, now, pace), toMicroseconds(minute + 12_000))
  })

  test('comes from a clock that gives no number', () => {
    assert.equal(isAllowed(0, Number.NaN, pace), false)
    assert.equal(isAllowed(pace.capacity, Number.NaN, pace), false)
  })

  test('comes at the second request when the count is 1', () => {
    assert.deepEqual(send([0, 0, minute - 1, minute], { count: 1, window: minute }), [0, minute])
  })

  test('is not cut short by rounding: a seventh of a minute is 8,571.429 ms', () => {
    const times = [...Array(7).fill(0), 8_571.428, 8_571.429]
    assert.deepEqual(send(times, { count: 7, window: minute }), [...Array(7).fill(0), 8_571.429])
  })

  for (const count of [3, 7, 11, 13, 17, 19, 23, 997, 1_201, 99_991])
    test(`comes with request ${count + 1} of a burst although ${count} does not divide a minute`, () => {
      const start = 1e10 + 1 / 3
      assert.equal(send(Array(count + 5).fill(start), { count, window: minute }).length, count)
    })
})

describe('an allowance', () => {
  test('of the whole count is there again after a window of rest', () => {
    const times = [...Array(5).fill(0), ...Array(9).fill(minute)]
    assert.equal(send(times, five).length, 10)
  })

  test('does not pile up over a long rest', () => {
    assert.equal(send([0, ...Array(50).fill(1_000 * minute)], five).length, 6)
  })

  test('says what is left and when more will be', () => {
    assert.deepEqual(standing(charge(0, 0, pace), 0, pace), { remaining: 4, nextAfter: 12_000_000 })
    assert.deepEqual(standing(30_000_000, 0, pace), { remaining: 2, nextAfter: 6_000_000 })
    assert.deepEqual(standing(0, 0, pace), { remaining: 5, nextAfter: 0 })
    assert.deepEqual(standing(0, toMicroseconds(minute), pace), { remaining: 5, nextAfter: 0 })
  })

  test('that is given back is there again, and no more than was used', () => {
    const tat = charge(charge(0, 0, pace), 0, pace)
    assert.equal(refund(tat, 0, pace), 12_000_000)
    assert.equal(refund(12_000_000, 6_000_000, pace), 6_000_000)
  })

  test('of a burst comes at once, and no more than it comes after a rest', () => {
    const rate = { ...five, burst: 2 }
    assert.deepEqual(send([0, 0, 0, 12_000, 12_000, minute, minute, minute], rate), [
      ...[0, 0, 12_000, minute, minute],
    ])
  })
})

test('any stretch of random traffic keeps the promise: burst + time × count / window', t => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  for (let round = 0; round < 200; round += 1) {
    const count = 1 + Math.floor(random() * 30)
    const rate = { count, window: minute, burst: 1 + Math.floor(random() * 2 * count) }
    const pace = (random() * 4 * minute) / rate.count
    let now = random() * 1e9
    const times = Array.from({ length: 300 }, () => (now += random() < 0.3 ? 0 : random() * pace))
    const allowed = send(times, rate)
    allowed.forEach((start, first) => {
      allowed.slice(first).forEach((end, more) => {
        const promised = rate.burst + ((end - start) * rate.count) / rate.window
        assert.ok(more + 1 <= promised + 1e-3, `seed ${seed}: ${more + 1} in ${end - start} ms`)
      })
    })
  }
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { minute } from '../ground/clock.ts'
import {
  believed,
  charge,
  isAllowed,
  paceOf,
  type Rate,
  refund,
  standing,
  toMicroseconds,
  waitFor,
} from './gcra.ts'

const five = { count: 5, window: minute }
const pace = paceOf(five)

/** Sends requests at these times (milliseconds) and tells of each whether it was allowed. */
const judge = (times: readonly number[], rate: Rate): readonly boolean[] => {
  const paced = paceOf(rate)
  let kept = 0
  return times.map(time => {
    const now = toMicroseconds(time)
    const tat = believed(kept, now, paced)
    const allowed = isAllowed(tat, now, paced)
    if (allowed) kept = charge(tat, now, paced)
    return allowed
  })
}

/** The times at which one was allowed. */
const send = (times: readonly number[], rate: Rate): readonly number[] => {
  const allowed = judge(times, rate)
  return times.filter((_, index) => allowed[index])
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

describe('a counter that several clocks write', () => {
  const ten = 10_000_000

  test('is believed as far as it can be, ten seconds more for clocks that differ, and no further', () => {
    for (const now of [0, 1_795_000_000_123_457]) {
      const edge = now + pace.capacity + ten
      for (const tat of [0, now, now + 1, now + pace.capacity, edge])
        assert.equal(believed(tat, now, pace), tat)
      assert.equal(believed(edge + 1, now, pace), 0)
      assert.equal(believed(now + 86_400_000_000, now, pace), 0)
    }
  })

  test('is believed as it is where the clock gives no number, and refuses', () => {
    assert.equal(believed(pace.capacity, Number.NaN, pace), pace.capacity)
  })

  test('of five requests by a clock a day ahead refuses nobody, and from there five at once pass', () => {
    const day = 1_440 * minute
    const times = [...Array(9).fill(day), ...Array(9).fill(0), 11_999, 12_000]
    assert.deepEqual(send(times, five), [...Array(5).fill(day), ...Array(5).fill(0), 12_000])
  })

  test('of five requests by a clock five seconds ahead refuses, and five seconds longer', () => {
    const times = [...Array(5).fill(5_000), ...Array(9).fill(0), 16_999, 17_000]
    assert.deepEqual(send(times, five), [...Array(5).fill(5_000), 17_000])
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

test('random traffic by a clock that jumps: a far jump is as if nobody had come, and none makes anybody wait for long', t => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  for (let round = 0; round < 200; round += 1) {
    const count = 1 + Math.floor(random() * 30)
    const rate = { count, window: minute, burst: 1 + Math.floor(random() * 2 * count) }
    const { step, capacity } = paceOf(rate)
    const traffic = (from: number): readonly number[] => {
      let now = from
      return Array.from({ length: 100 }, () => (now += random() < 0.5 ? 0 : (random() * 3 * minute) / count))
    }
    const start = 1e9 + random() * 1e9
    const before = traffic(start)
    // So far that the last second of what was counted before lies beyond, whichever way.
    const far = (100 * 3 * minute) / count + capacity / 1_000 + 10_001 + random() * 1e8
    for (const jump of [far, -far]) {
      const after = traffic(start + jump)
      const both = judge([...before, ...after], rate).slice(before.length)
      assert.deepEqual(both, judge(after, rate), `seed ${seed}: ${jump} ms`)
    }
    const [tat, now] = [random() * 1e12, random() * 1e12]
    const wait = waitFor(believed(tat, now, { capacity }), now, { step, capacity })
    assert.ok(wait <= step + 10_000_000, `seed ${seed}: ${wait} for ${tat} at ${now}`)
  }
})

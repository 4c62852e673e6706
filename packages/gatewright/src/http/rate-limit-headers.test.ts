import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { minute } from '../ground/clock.ts'
import { systemRandom } from '../ground/random.ts'
import { createMemoryLimiter } from '../limits/limiter.ts'
import { type LimitName, limits } from '../limits/table.ts'
import { toRateLimitHeaders } from './rate-limit-headers.ts'

const hourly = { policy: 'registration-address-hour', quota: 20, window: 3_600, remaining: 0, reset: 180 }
const daily = { policy: 'registration-address-day', quota: 200, window: 86_400, remaining: 180, reset: 400 }

describe('a refusal', () => {
  test('says when to come back, and of a row that did not refuse only what is left', () => {
    assert.deepEqual(toRateLimitHeaders({ allowed: false, retryAfter: 180, rows: [hourly, daily] }), {
      'ratelimit-policy': '"registration-address-hour";q=20;w=3600, "registration-address-day";q=200;w=86400',
      ratelimit: '"registration-address-hour";r=0;t=180, "registration-address-day";r=180',
      'retry-after': '180',
    })
  })

  test('never tells a client to come back before any stated reset, nor to wait longer than the window', () => {
    for (const headers of traffic()) {
      const policies = parseList(headers['ratelimit-policy'])
      const services = parseList(headers.ratelimit)
      assert.deepEqual([...services.keys()], [...policies.keys()])
      for (const [policy, { r = -1, t = 0 }] of services) {
        const { q = -1, w = -1 } = policies.get(policy) ?? {}
        assert.ok(r >= 0 && r <= q, `${policy}: ${r} of ${q}`)
        assert.ok(t <= w, `${policy}: ${t} of ${w}`)
        assert.ok(t <= Number(headers['retry-after'] ?? Number.POSITIVE_INFINITY), `${policy}: ${t}`)
      }
    }
  })
})

describe('an allowance', () => {
  test('has no Retry-After', () => {
    const row = { policy: 'write-user', quota: 120, window: 60, remaining: 119, reset: 1 }
    assert.deepEqual(toRateLimitHeaders({ allowed: true, retryAfter: 0, rows: [row] }), {
      'ratelimit-policy': '"write-user";q=120;w=60',
      ratelimit: '"write-user";r=119;t=1',
    })
  })

  test('without rows has no header at all, because the lists are never empty', () => {
    assert.deepEqual(toRateLimitHeaders({ allowed: true, retryAfter: 0, rows: [] }), {})
  })
})

/** Headers of one caller of every limit, allowed and refused. */
function* traffic() {
  let now = 0
  const limiter = createMemoryLimiter({ clock: { monotonic: () => now }, random: systemRandom })
  const keys = {
    address: '192.0.2.1',
    anonymous: '192.0.2.1',
    user: 'u1',
    session: 's1',
    'address+username': '192.0.2.1 ann',
  }
  for (const name of Object.keys(limits) as LimitName[])
    for (let step = 0; step < 1_500; step += 1) {
      now += step % 100 === 0 ? minute / 7 : 0
      yield toRateLimitHeaders(limiter.take(name, keys))
    }
}

/** A list of strings with integer parameters (RFC 9651); anything else throws. */
const parseList = (text: string | undefined): Map<string, Readonly<Record<string, number>>> =>
  new Map((text?.split(', ') ?? []).map(parseItem))

const parseItem = (text: string): [string, Record<string, number>] => {
  const [, name = '', parameters = ''] = /^"([a-z-]+)"((?:;[a-z]=\d+)+)$/.exec(text) ?? assert.fail(text)
  const pairs = parameters.slice(1).split(';')
  return [name, Object.fromEntries(pairs.map(pair => [pair.slice(0, 1), Number(pair.slice(2))]))]
}

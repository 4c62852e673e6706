import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { day, hour, minute } from '../ground/clock.ts'
import { systemRandom } from '../ground/random.ts'
import { defaultSettings } from '../ground/settings.ts'
import { createMemoryLimiter, type LimiterOptions } from './limiter.ts'
import { checkOverrides, overrideRow, warnOfLoosened } from './override.ts'
import { limits } from './table.ts'

const open = (overrides: NonNullable<LimiterOptions['overrides']>, scale = 1) =>
  createMemoryLimiter({ clock: { monotonic: () => 0 }, random: systemRandom, overrides, scale })

describe('a row that the settings override', () => {
  test('has their count and window, at the same name, and leaves others as they are', () => {
    const limiter = open([{ policy: 'registration-address-hour', count: 3, window: day }])
    const { rows } = limiter.take('registration', { address: '192.0.2.1' })
    assert.deepEqual(
      rows.map(({ policy, quota, window }) => [policy, quota, window]),
      [
        ['registration-address-hour', 3, 86_400],
        ['registration-address-day', 200, 86_400],
      ],
    )
    for (let n = 0; n < 2; n += 1)
      assert.equal(limiter.take('registration', { address: '192.0.2.1' }).allowed, true)
    assert.equal(limiter.take('registration', { address: '192.0.2.1' }).allowed, false)
  })

  test('is scaled after it, and its network with it', () => {
    const limiter = open([{ policy: 'search-anonymous', count: 2 }], 2)
    const take = (end: string) => limiter.take('search', { anonymous: `2001:db8:1:${end}::1` })
    for (let n = 0; n < 4; n += 1) assert.equal(take('1').allowed, true)
    assert.equal(take('1').allowed, false)
    const allowed = Array.from({ length: 60 }, (_, n) => take(String(n + 2)).allowed)
    assert.equal(allowed.filter(Boolean).length, 36)
  })

  test('keeps its burst, and what passes while the store is away, in proportion', () => {
    const [row] = limits['failed-sign-in']
    const [before] = [{ ...row, burst: 5 }]
    const changed = overrideRow('x', before, [{ policy: 'x', count: 30 }])
    assert.deepEqual(
      [changed.count, changed.burst, changed.kind === 'exact' && changed.away, changed.window],
      [30, 10, 10, hour],
    )
    const tiny = overrideRow('x', before, [{ policy: 'x', count: 1, window: minute }])
    assert.deepEqual([tiny.burst, tiny.kind === 'exact' && tiny.away, tiny.window], [1, 1, minute])
  })
})

test('a name that is no row stops the start, and those that there are are told', () => {
  const policies = open([]).policies()
  checkOverrides([{ policy: 'read-user', count: 1 }], policies)
  for (const policy of ['read', 'read-usr', 'read-anonymous-network', ''])
    assert.throws(
      () => checkOverrides([{ policy, count: 1 }], policies),
      /LIMITS_OVERRIDE names .*, which is no limit: write one of .*read-user,/,
    )
})

describe('a start warns of', () => {
  const warned = (text: { policy: string; count: number; window?: number }, host = '0.0.0.0') =>
    warnOfLoosened(defaultSettings({ host, limitsOverride: [text] }))

  for (const override of [
    { policy: 'sign-in-address-username', count: 6 },
    { policy: 'sign-in-address', count: 60 },
    { policy: 'failed-sign-in-address-hour', count: 15, window: minute },
    { policy: 'confirm-password-user', count: 21, window: hour },
    { policy: 'codes-address', count: 31 },
  ])
    test(`${override.policy} made looser, where others can reach the server`, () => {
      assert.match(warned(override)[0] ?? '', new RegExp(`makes ${override.policy} looser`))
      assert.deepEqual(warned(override, 'localhost'), [])
    })

  test('no row that protects nothing secret, and none that was made tighter', () => {
    assert.deepEqual(warned({ policy: 'read-user', count: 100_000 }), [])
    assert.deepEqual(warned({ policy: 'sign-in-address', count: 29 }), [])
  })
})

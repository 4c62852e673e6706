import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hour, minute, second } from '../ground/clock.ts'
import { systemRandom } from '../ground/random.ts'
import { createMemoryLimiter } from './limiter.ts'
import type { RouteLimit } from './own-limit.ts'
import type { LimitRow } from './table.ts'

const row: LimitRow = { by: 'user', count: 2, window: hour, kind: 'fast', describe: 'Reports are dear.' }
const open = () => createMemoryLimiter({ clock: { monotonic: () => 0 }, random: systemRandom, scale: 1 })

describe("a route's own limit", () => {
  test('is counted by its name, which several routes may share', () => {
    const limiter = open()
    for (let n = 0; n < 2; n += 1) limiter.declare({ name: 'reports', rows: [{ ...row }] })
    assert.ok(limiter.policies().includes('reports-user-hour'))
    const allowed = Array.from({ length: 4 }, () => limiter.take('reports', { user: 'ann' }).allowed)
    assert.deepEqual(allowed, [true, true, false, false])
    assert.equal(limiter.take('reports', { user: 'bob' }).allowed, true)
  })

  const refused: readonly [string, RegExp, RouteLimit][] = [
    [
      'with other numbers under one name',
      /different limits named reports/,
      { name: 'reports', rows: [{ ...row, count: 3 }] },
    ],
    ["by the name of one of Gatewright's", /is one of Gatewright's own/, { name: 'read', rows: [row] }],
    ['by a name that no header may carry', /letters a to z/, { name: 'reports 2"', rows: [row] }],
    ['without a row', /can't be counted/, { name: 'none', rows: [] }],
    ['of no request', /can't be counted/, { name: 'zero', rows: [{ ...row, count: 0 }] }],
    ['of a part of a request', /can't be counted/, { name: 'part', rows: [{ ...row, burst: 0.5 }] }],
    [
      'with a window that has no name',
      /can't be counted/,
      { name: 'odd', rows: [{ ...row, window: second }] },
    ],
    [
      'that lets nothing through while the store is away',
      /can't be counted/,
      { name: 'away', rows: [{ ...row, window: minute, kind: 'exact', away: 0 }] },
    ],
    [
      'by something that no request has',
      /can't be counted/,
      { name: 'by', rows: [{ ...row, by: 'ip' as 'address' }] },
    ],
    [
      'of a kind that there is not',
      /can't be counted/,
      { name: 'kind', rows: [{ ...row, kind: 'exakt' as 'fast' }] },
    ],
    [
      'with two rows that would share a counter',
      /count the same in the same window/,
      { name: 'twice', rows: [row, { ...row, count: 20 }] },
    ],
    [
      'that is only a name, and an unknown one',
      /there is no limit reed: write one of sign-in,/,
      'reed' as 'read',
    ],
  ]
  for (const [what, why, limit] of refused)
    test(`${what} stops the start`, () => {
      const limiter = open()
      limiter.declare({ name: 'reports', rows: [row] })
      assert.throws(() => limiter.declare(limit), why)
    })
})

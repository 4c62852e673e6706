import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSeeded } from '../../../../test/sessions/seeded.ts'
import { day, hour, minute } from '../ground/clock.ts'
import { longest } from '../http/content.ts'
import type { Algorithm } from './algorithms.ts'
import { type Move, neededUntil, oldestView, planMoves, publishedAhead, type RingState } from './ring-plan.ts'

const start = Date.UTC(2026, 10, 21, 12)
const ttl = 10 * minute
const rotation = 30 * day

type Ring = {
  now: number
  algorithm: Algorithm
  rows: RingState[]
  made: number
}

const newRow = (ring: Ring, state: string): RingState => {
  ring.made += 1
  return {
    kid: `key ${ring.made}`,
    algorithm: ring.algorithm,
    state,
    created_at: ring.now,
    activated_at: state === 'active' ? ring.now : null,
    retired_at: null,
    gone_at: null,
    revoked_at: null,
    rotation_asked_at: null,
    token_ttl: ttl,
  }
}

const change = (ring: Ring, kid: string, values: Partial<RingState>): void => {
  ring.rows = ring.rows.map(row => (row.kid === kid ? { ...row, ...values } : row))
}

/** What the database does with a move. */
const apply = (ring: Ring, move: Move): void => {
  const { now } = ring
  if (move.what === 'make') ring.rows = [newRow(ring, move.state), ...ring.rows]
  else if (move.what === 'retire') change(ring, move.kid, { state: 'retired', retired_at: now })
  else if (move.what === 'activate') change(ring, move.kid, { state: 'active', activated_at: now })
  else change(ring, move.kid, { state: 'gone', gone_at: now })
}

const plan = ({ rows, now, algorithm }: Ring): readonly Move[] =>
  planMoves(rows, now, { algorithm, rotation })
const turn = (ring: Ring): void => {
  for (const move of plan(ring)) apply(ring, move)
}
const inState = ({ rows }: Ring, state: string) => rows.filter(row => row.state === state)
const get = (ring: Ring, state: string): RingState => {
  const [row] = inState(ring, state)
  assert.ok(row, `no key is ${state}`)
  return row
}

const newRing = (): Ring => {
  const ring: Ring = { now: start, algorithm: 'ES256', rows: [], made: 0 }
  turn(ring)
  return ring
}

const assertWhole = (ring: Ring): void => {
  assert.equal(inState(ring, 'active').length, 1)
  assert.equal(inState(ring, 'published').length, 1)
  assert.equal(get(ring, 'published').algorithm, ring.algorithm)
}

describe('the states of signing keys, as a model', () => {
  test('a key is published for longer than the key set is cached, and than any view is used', () => {
    assert.ok(publishedAhead > longest * 1_000)
    assert.ok(publishedAhead > oldestView)
  })

  test('an empty ring gets a key that signs and the one after it, and then needs nothing', () => {
    const ring = newRing()
    assertWhole(ring)
    assert.deepEqual(plan(ring), [])
  })

  test('nothing is due until the last moment, and then one follows the other', () => {
    const ring = newRing()
    const [first, next] = [get(ring, 'active'), get(ring, 'published')]
    ring.now += rotation - 1
    assert.deepEqual(plan(ring), [])
    ring.now += 1
    turn(ring)
    assert.equal(get(ring, 'active').kid, next.kid)
    assert.equal(get(ring, 'retired').kid, first.kid)
    assertWhole(ring)
  })

  test('a retired key is kept as long as its tokens may live, and not longer', () => {
    const ring = newRing()
    ring.now += rotation
    turn(ring)
    const retired = get(ring, 'retired')
    assert.equal(neededUntil(retired), ring.now + oldestView + ttl + minute)
    ring.now = neededUntil(retired) - 1
    assert.deepEqual(plan(ring), [])
    ring.now += 1
    assert.deepEqual(plan(ring), [{ what: 'erase', kid: retired.kid }])
  })

  test('a key that was published a moment ago does not sign, whoever asks', () => {
    const ring = newRing()
    ring.now += hour
    change(ring, get(ring, 'active').kid, { rotation_asked_at: ring.now })
    turn(ring)
    const { kid } = get(ring, 'active')
    change(ring, kid, { rotation_asked_at: ring.now })
    ring.now += publishedAhead - 1
    turn(ring)
    assert.equal(get(ring, 'active').kid, kid)
    ring.now += 1
    turn(ring)
    assert.notEqual(get(ring, 'active').kid, kid)
  })

  test('but where none else is left, it does', () => {
    const ring = newRing()
    for (let lost = 0; lost < 3; lost += 1) {
      const next = get(ring, 'published')
      apply(ring, { what: 'erase', kid: get(ring, 'active').kid })
      turn(ring)
      assert.equal(get(ring, 'active').kid, next.kid)
      assertWhole(ring)
    }
  })

  test('another algorithm is published at once, and signs when every verifier knows it', () => {
    const ring = newRing()
    const [first, unused] = [get(ring, 'active'), get(ring, 'published')]
    ring.now += hour
    ring.algorithm = 'EdDSA'
    turn(ring)
    assert.equal(ring.rows.find(({ kid }) => kid === unused.kid)?.state, 'gone')
    assert.equal(get(ring, 'active').kid, first.kid)
    ring.now += publishedAhead - 1
    assert.deepEqual(plan(ring), [])
    ring.now += 1
    turn(ring)
    assert.deepEqual([get(ring, 'active').algorithm, get(ring, 'retired').kid], ['EdDSA', first.kid])
  })

  test('a clock that was set back by years stops no rotation for ever, and ends no key early', () => {
    const ring = newRing()
    ring.now += rotation
    turn(ring)
    ring.now -= 1_000 * day
    const [retired, active] = [get(ring, 'retired'), get(ring, 'active')]
    turn(ring)
    assertWhole(ring)
    assert.notEqual(get(ring, 'active').kid, active.kid, 'else it would sign for a thousand days')
    assert.ok(inState(ring, 'retired').some(({ kid }) => kid === retired.kid))
    ring.now += rotation
    turn(ring)
    assertWhole(ring)
    assert.deepEqual(plan(ring), [])
  })

  test('whatever happens in whatever order, one signs, one is next, and no key is lost or comes back', t => {
    const seeded = createSeeded(t)
    for (let round = 0; round < 200; round += 1) {
      const ring = newRing()
      /** Until when a key may have to verify, by the view of whoever signs with it last. */
      const needed = new Map<string, number>()
      const gone = new Set<string>()
      for (let step = 0; step < 60; step += 1) {
        const acts = [
          () => (ring.now += seeded.below(2 * ttl)),
          () => (ring.now += seeded.below(rotation + day)),
          () => change(ring, get(ring, 'active').kid, { rotation_asked_at: ring.now }),
          () => (ring.algorithm = seeded.pick(['ES256', 'EdDSA', 'RS256'] as const)),
          () => {
            const { kid } = seeded.pick(ring.rows.filter(({ state }) => state !== 'gone'))
            needed.delete(kid)
            change(ring, kid, { state: 'gone', gone_at: ring.now, revoked_at: ring.now })
          },
        ]
        ring.now += 1
        seeded.pick(acts)()
        const before = inState(ring, 'active')[0]
        turn(ring)
        assertWhole(ring)
        assert.deepEqual(plan(ring), [], 'a turn does all that is needed')
        const active = get(ring, 'active')
        if (before !== undefined && before.kid !== active.kid)
          needed.set(before.kid, ring.now + oldestView + ttl)
        for (const [kid, until] of needed)
          if (ring.now <= until)
            assert.equal(ring.rows.find(row => row.kid === kid)?.state, 'retired', `${kid} is needed`)
        for (const row of ring.rows) {
          assert.ok(row.state === 'gone' || !gone.has(row.kid), `${row.kid} has come back`)
          if (row.state === 'gone') gone.add(row.kid)
        }
      }
    }
  })
})

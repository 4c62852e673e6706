import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { minute, second } from '../ground/clock.ts'
import { type CountedRefusals, createRefusalCounts, type RefusalKind } from './refusal-counts.ts'

const kind = (changes: Partial<RefusalKind> = {}): RefusalKind => ({
  event: 'credential.refused',
  reason: 'token_signature',
  addressGroup: '192.0.2.7',
  session: undefined,
  ...changes,
})
const ann = { userId: 'ann', sessionId: 'anns' }
const sumOf = (rows: readonly CountedRefusals[]): number =>
  rows.reduce((sum, { tally }) => sum + tally.count, 0)
const tallies = (rows: readonly CountedRefusals[]) =>
  rows.map(({ tally: { count, first, last } }) => [count, first.requestId, last.requestId])

describe('refusals of one kind', () => {
  test('are due at the first, and then once a minute with their count, first and last', () => {
    const counts = createRefusalCounts()
    assert.equal(counts.note(kind(), { at: 0, requestId: 'r0' }), true)
    assert.deepEqual(tallies(counts.takeDue(0)), [[1, 'r0', 'r0']])
    for (const n of [1, 2, 3])
      assert.equal(counts.note(kind(), { at: n * second, requestId: `r${n}` }), false)
    assert.deepEqual(counts.takeDue(minute - 1), [])
    assert.deepEqual(tallies(counts.takeDue(minute)), [[3, 'r1', 'r3']])
    assert.equal(counts.note(kind(), { at: minute, requestId: 'r4' }), false)
    assert.equal(counts.note(kind(), { at: 2 * minute, requestId: 'r5' }), true)
  })

  test('are forgotten once a minute has passed without any', () => {
    const counts = createRefusalCounts()
    counts.note(kind(), { at: 0, requestId: 'r' })
    counts.takeDue(0)
    assert.deepEqual([counts.takeDue(minute - 1), counts.size()], [[], 1])
    assert.deepEqual([counts.takeDue(minute), counts.size()], [[], 0])
  })

  test('are those of one reason, one address group and one session', () => {
    const counts = createRefusalCounts()
    const others = [
      kind(),
      kind({ reason: 'token_key' }),
      kind({ event: 'access.refused', reason: 'token_key' }),
      kind({ event: 'access.refused', reason: 'token_key', lacks: 'permission posts:moderate' }),
      kind({ addressGroup: '192.0.2.8' }),
      kind({ session: ann }),
      kind({ session: { userId: 'ann', sessionId: 'anns other' } }),
    ]
    for (const each of [...others, ...others]) counts.note(each, { at: 0, requestId: 'r' })
    const rows = counts.takeDue(0)
    assert.deepEqual(
      rows.map(row => row.kind),
      others,
    )
    assert.deepEqual(
      rows.map(({ tally }) => tally.count),
      [2, 2, 2, 2, 2, 2, 2],
    )
  })

  test('that could not be written are added to those that came meanwhile, and due a minute later', () => {
    const counts = createRefusalCounts()
    counts.note(kind(), { at: 0, requestId: 'r0' })
    const taken = counts.takeDue(0)
    counts.note(kind(), { at: second, requestId: 'r1' })
    counts.giveBack(taken)
    assert.deepEqual(counts.takeDue(minute - 1), [])
    assert.deepEqual(tallies(counts.takeDue(minute)), [[2, 'r0', 'r1']])
  })
})

describe('memory exhaustion by refused credentials', () => {
  const bounds = { kinds: 20, ofStrangers: 15, reasons: 5 }
  const flood = (counts: ReturnType<typeof createRefusalCounts>, reasons: number): number => {
    for (let n = 0; n < 10_000; n++)
      counts.note(kind({ reason: `reason ${n % reasons}`, addressGroup: `group ${n}` }), {
        at: 0,
        requestId: `r${n}`,
      })
    return 10_000
  }

  test('by made-up addresses: past a bound they are counted by their reason, and none is lost', () => {
    const counts = createRefusalCounts(bounds)
    const sent = flood(counts, 2)
    assert.equal(counts.size(), 15 + 2)
    const rows = counts.takeDue(0)
    assert.equal(sumOf(rows), sent)
    const together = rows.filter(row => row.kind.addressGroup === null)
    assert.deepEqual(together.map(row => row.kind.reason).sort(), ['reason 0', 'reason 1'])
  })

  test('by any number of reasons: past a further bound they are one row, and none is lost', () => {
    const counts = createRefusalCounts(bounds)
    const sent = flood(counts, 1_000)
    assert.equal(counts.size(), 20 + 5 + 1)
    const rows = counts.takeDue(0)
    assert.equal(sumOf(rows), sent)
    assert.deepEqual(rows.at(-1)?.kind, {
      event: 'credential.refused',
      reason: 'others',
      addressGroup: null,
      session: undefined,
    })
  })

  test('by strangers leaves room for what is proven ours', () => {
    const counts = createRefusalCounts(bounds)
    flood(counts, 1)
    counts.note(kind({ session: ann }), { at: 0, requestId: 'r' })
    assert.deepEqual(counts.takeDue(0).at(-1)?.kind, kind({ session: ann }))
  })

  test('keeps its bound when nothing can be written for an hour', () => {
    const counts = createRefusalCounts(bounds)
    let sent = 0
    for (let at = 0; at < 60; at++) {
      sent += flood(counts, 1_000)
      counts.giveBack(counts.takeDue(at * minute))
      assert.ok(counts.size() <= 26)
    }
    assert.equal(sumOf(counts.takeDue(60 * minute)), sent)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeeded } from '../../../../test/sessions/seeded.ts'
import { newId, systemRandom } from '../ground/random.ts'
import { createIdTimes } from './id-times.ts'

const id = (): string => newId(systemRandom)

/** As long as something is left to look at. */
const pruneAll = (times: ReturnType<typeof createIdTimes>, now: number): void => {
  while (!times.prune(now));
  while (!times.prune(now));
}

test('ids come out as they went in, with their times to the second, and no other id is there', () => {
  const times = createIdTimes()
  const all = Array.from({ length: 5_000 }, (_, n) => [id(), 1_000_000 + n] as const)
  for (const [each, time] of all) times.set(each, time)
  for (const [each, time] of all) assert.equal(times.get(each), Math.ceil(time / 1_000) * 1_000)
  for (let n = 0; n < 5_000; n++) assert.equal(times.has(id()), false)
  assert.deepEqual(new Set([...times.entries()].map(([each]) => each)), new Set(all.map(([each]) => each)))
})

test('of 200,000 random changes the set has what a plain map has', t => {
  const { below, pick, oneIn } = createSeeded(t)
  const ids = Array.from({ length: 4_000 }, id)
  const [times, plain] = [createIdTimes(), new Map<string, number>()]
  for (let change = 0; change < 200_000; change++) {
    const [each, time] = [pick(ids), 1_000 * (1 + below(1_000))]
    times.set(each, time)
    plain.set(each, time)
    if (!oneIn(10_000)) continue
    const now = 1_000 * below(1_500)
    pruneAll(times, now)
    for (const [known, until] of plain) if (until < now) plain.delete(known)
    assert.deepEqual(new Map([...times.entries()].sort()), new Map([...plain].sort()))
    for (const known of ids) assert.equal(times.get(known), plain.get(known))
  }
})

test('confusion: a text that is no id of 128 bits is another one than every id, and is kept as it is', () => {
  const times = createIdTimes()
  const real = 'AAAAAAAAAAAAAAAAAAAAAA'
  times.set(real, 1)
  const others = [
    'AAAAAAAAAAAAAAAAAAAAAB',
    'AAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAA+',
    'é'.repeat(22),
    '',
  ]
  for (const other of others) assert.equal(times.has(other), false, other)
  for (const other of others) times.set(other, 5_500)
  for (const other of others) assert.equal(times.get(other), 5_500)
  pruneAll(times, 5_501)
  assert.deepEqual([...times.entries()], [])
})

test('an id is forgotten in its second or the next one, never before its time', () => {
  const times = createIdTimes()
  const each = id()
  times.set(each, 1_500)
  pruneAll(times, 2_000)
  assert.equal(times.has(each), true)
  pruneAll(times, 2_001)
  assert.equal(times.has(each), false)
})

test('memory is given back when most is forgotten, and nothing is lost by it', () => {
  const times = createIdTimes()
  const [short, long] = [Array.from({ length: 50_000 }, id), Array.from({ length: 50 }, id)]
  for (const each of short) times.set(each, 1_000)
  for (const each of long) times.set(each, 9_000)
  for (let round = 0; round < 20; round++) pruneAll(times, 5_000)
  assert.deepEqual(new Set([...times.entries()].map(([each]) => each)), new Set(long))
})

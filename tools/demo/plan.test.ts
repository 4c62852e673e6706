import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planDay } from './plan.ts'

const start = Date.UTC(2026, 10, 21)
const plan = (seed: number) => planDay({ seed, people: 36, start })

test('a day is the same for the same seed, and another one for another', () => {
  assert.deepEqual(plan(7), plan(7))
  assert.notDeepEqual(plan(7).acts, plan(8).acts)
})

test('everything happens in the day, in order, and nobody acts before arriving or after having left', () => {
  const { acts, length } = plan(7)
  assert.ok(acts.every(({ at }, place) => at >= (acts[place - 1]?.at ?? 0) && at <= length))
  for (const kind of ['disable', 'leave-for-good']) {
    const end = acts.findIndex(act => act.kind === kind)
    const of = (part: typeof acts) => part.filter(({ who }) => who === acts[end]?.who)
    assert.equal(of(acts)[0]?.kind, 'arrive')
    assert.deepEqual(of(acts.slice(end + 1)), [])
  }
})

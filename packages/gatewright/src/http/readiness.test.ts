import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { untilReady } from './readiness.ts'

let t: TestApp
beforeEach(async () => {
  t = await startTestApp()
})
afterEach(() => t.close())

const engineWithDifference = (difference: () => number) => ({
  ...t.engine,
  clock: { ...t.clock, difference },
})

test('a worker waits with its first connection until its clock is right', async () => {
  let difference = 5_000
  let isReady = false
  const ready = untilReady(engineWithDifference(() => difference)).then(() => {
    isReady = true
  })
  for (let turn = 0; turn < 20; turn += 1) await t.clock.sleep(1)
  assert.equal(isReady, false)
  difference = 0
  await ready
})

test('a worker that is not ready for half a minute does not start, and says why', async () => {
  const ready = untilReady(engineWithDifference(() => 5_000))
  t.clock.advance(31_000)
  await assert.rejects(ready, /^Error: not ready: .*the clock of the machine differs from the database's/)
})

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, mock, test } from 'node:test'
import { createFakeClock, startTestApp, type TestApp } from '../../../../test/harness.ts'
import { minute } from '../ground/clock.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { FakeClock } from '../testing/fake-clock.ts'
import { recordCutOffs } from './cut-offs.ts'
import { createRevocations, type Revocations } from './revocations.ts'

let t: TestApp
let clock: FakeClock
let view: Revocations
let told: string[]
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  clock = createFakeClock()
  told = []
  view = createRevocations({
    ...{ db: t.engine.db, watch: t.engine.watch, clock, maxAge: 5_000, readRoles: async () => [] },
    onKeyRevoked: kid => void told.push(kid),
  })
  await view.start()
})
afterEach(() => {
  view.stop()
  mock.timers.reset()
})

const token = { sessionId: 's', userId: 'ann', userVersion: 1 }
const revoke = (kid: string): Promise<void> =>
  inTransaction(t.engine.db, work =>
    recordCutOffs({ clock, revocations: view }, work, [
      { kind: 'signing-key', subject: kid, promisedUntil: clock.now() },
    ]),
  )

test('a revoked key ends what it signed, and nothing that another key or none has', async () => {
  await revoke('one')
  assert.equal(view.isEnded({ ...token, keyId: 'one' }), true)
  for (const keyId of ['two', '', 'constructor']) assert.equal(view.isEnded({ ...token, keyId }), false)
  assert.equal(view.isEnded(token), false, 'a cookie has no key')
  assert.deepEqual(told, ['one'])
})

test('a revoked key is told apart from a session that ended', async () => {
  await revoke('three')
  assert.deepEqual([view.isKeyRevoked('three'), view.isKeyRevoked('four')], [true, false])
  assert.equal(view.isKeyRevoked(undefined), false)
})

test('a revoked key is forgotten when the last token of it is over, and not before', async () => {
  await revoke('five')
  const isEndedAfter = (milliseconds: number): boolean => {
    clock.advance(milliseconds)
    mock.timers.tick(minute)
    return view.isEnded({ ...token, keyId: 'five' })
  }
  assert.equal(isEndedAfter(minute), true)
  assert.equal(isEndedAfter(1), false)
})

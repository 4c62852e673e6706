import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRevocations } from '../../packages/gatewright/src/revocation/revocations.ts'
import { signUp, startTestApp } from '../harness.ts'

test('a process forgets what ended when the last token of it has expired, and not before', async t => {
  const app = await startTestApp()
  const alice = await signUp(app, 'alice')
  const { sessionId, userId, userVersion, expiresAt } = await app.engine.accessTokens.verify(alice.access)
  await app.call('POST', 'logout', { token: alice.access })

  t.mock.timers.enable({ apis: ['setInterval'] })
  const { db, clock } = app.engine
  const revocations = createRevocations({ db, watch: db, clock, maxAge: 5_000, readRoles: async () => [] })
  await revocations.start()
  const isEndedAt = (moment: number): boolean => {
    app.clock.advance(moment - clock.now())
    t.mock.timers.tick(60_000)
    return revocations.isEnded({ sessionId, userId, userVersion })
  }
  assert.equal(isEndedAt(expiresAt - 1), true)
  assert.equal(isEndedAt(expiresAt + 59_000), true, 'a minute more, for clocks that differ')
  assert.equal(isEndedAt(expiresAt + 61_000), false)
  revocations.stop()
  t.mock.timers.reset()
  await app.close()
})

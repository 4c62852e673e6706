import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { endAllOtherSessions, endOtherSession, logOut } from './end-sessions.ts'

let t: TestApp
let users = 0
let self: SignedIn
let other: SignedIn
let third: SignedIn
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  const { id } = await addUser(t.engine, `user${++users}`)
  const sessions = await Promise.all([1, 2, 3].map(() => signInAs(t.engine, id)))
  ;[self, other, third] = sessions as [SignedIn, SignedIn, SignedIn]
})

const toOwn = ({ userId, sessionId }: SignedIn) => ({ userId, sessionId, origin })
const isEnded = ({ userId, sessionId }: SignedIn): boolean =>
  t.engine.revocations.isEnded({ userId, sessionId, userVersion: 1 })

describe('a session that was ended while its request waited for the lock', () => {
  test('ends no others: of two that end each other at once, one stays', async () => {
    const results = await Promise.allSettled(
      [self, other].map(own => endAllOtherSessions(t.engine, toOwn(own))),
    )
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    const stays = results.findIndex(({ status }) => status === 'fulfilled')
    assert.deepEqual([self, other, third].map(isEnded), [stays !== 0, stays !== 1, true])
  })

  test('ends no other one: the thief who was thrown out throws nobody out', async () => {
    const results = await Promise.allSettled([
      endOtherSession(t.engine, { ...toOwn(self), otherSessionId: other.sessionId }),
      endOtherSession(t.engine, { ...toOwn(other), otherSessionId: self.sessionId }),
    ])
    const [faster, slower] = results[0]?.status === 'fulfilled' ? [self, other] : [other, self]
    const revenge = results.find(({ status }) => status === 'rejected')
    assert.equal((revenge as PromiseRejectedResult | undefined)?.reason.code, 'session_ended')
    assert.deepEqual([faster, slower].map(isEnded), [false, true])
  })
})

describe('signing out', () => {
  test('ends nothing of another user, whatever session is named', async () => {
    const eve = await addUser(t.engine, `eve${users}`)
    await logOut(t.engine, { userId: eve.id, sessionId: self.sessionId, origin })
    assert.ok(!isEnded(self))
  })

  test('of a session that is not there is no error', async () => {
    await logOut(t.engine, { ...toOwn(self), sessionId: 'A'.repeat(22) })
    assert.ok(!isEnded(self))
  })

  test('is durable before it is answered: it is read elsewhere, and in force here', async () => {
    await logOut(t.engine, toOwn(self))
    assert.ok(isEnded(self))
    const again = await startTestApp({ ...t.engine.settings })
    assert.ok(again.engine.revocations.isEnded({ ...self, userVersion: 1 }))
    await again.close()
  })
})

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin } from '../audit/record.ts'
import type { Permission } from '../permissions/access-rule.ts'
import { inTransaction } from '../storage/transaction.ts'
import { replaceRoles } from '../users/users.ts'
import { type Caller, holdPermissions, holdSession } from './hold-session.ts'
import { endSessions } from './sessions.ts'

let t: TestApp
let users = 0
let admin: SignedIn
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  const { id } = await addUser(t.engine, `admin${++users}`, { roles: ['admin'] })
  admin = await signInAs(t.engine, id)
})

const hold = (caller: Caller, ...permissions: readonly Permission[]) =>
  inTransaction(t.engine.db, async work => {
    await holdSession(work, caller)
    await holdPermissions(t.engine, work, caller, permissions)
  })

const end = () =>
  inTransaction(t.engine.db, work =>
    endSessions(t.engine, work, { userId: admin.userId }, { reason: 'logout', origin: systemOrigin }),
  )

test('a live session of a user who still has the permissions may go on', () =>
  hold(admin, 'users:write', 'audit:read'))

describe('a write to security data is refused in its own transaction', () => {
  test('when the session of its caller has ended meanwhile', async () => {
    await end()
    await assert.rejects(hold(admin), { code: 'session_ended' })
  })

  test('when the caller has lost the permission meanwhile', async () => {
    await inTransaction(t.engine.db, work => replaceRoles(t.engine, work, admin.userId, ['moderator']))
    await assert.rejects(hold(admin, 'users:write'), { code: 'insufficient_permission' })
    await assert.rejects(hold(admin, 'users:read', 'users:write'), { code: 'insufficient_permission' })
    await hold(admin, 'users:read')
  })

  test('when the session is not one of the caller', async () => {
    const { id } = await addUser(t.engine, `eve${users}`, { roles: ['admin'] })
    await assert.rejects(hold({ userId: id, sessionId: admin.sessionId }), { code: 'session_ended' })
  })

  test('when there is no such session', async () => {
    await assert.rejects(hold({ ...admin, sessionId: 'A'.repeat(22) }), { code: 'session_ended' })
  })
})

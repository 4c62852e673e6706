import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Caller, signUp, startTestApp, type TestApp } from '../../../../test/harness.ts'
import { changeRoles } from '../administration/users.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { signedIn } from '../permissions/access-rule.ts'
import { feedStart, readFeed } from '../revocation/feed.ts'
import { createRevocations } from '../revocation/revocations.ts'
import { logOut } from '../sign-in/end-sessions.ts'
import { listRoles } from '../users/users.ts'
import { headSteps, runSteps } from './gate.ts'
import { newPassage } from './passage.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp()
  ann = await signUp(t, 'ann')
})
after(() => t.close())

const passageOf = (token: string) =>
  newPassage({
    rule: { access: signedIn(), limit: 'read', audit: 'none' },
    requestId: 'test',
    method: 'GET',
    peer: '127.0.0.1',
    rawHeaders: ['Authorization', `Bearer ${token}`],
    thingId: undefined,
  })

test('a token that outlives logout: one that ends while its roles are read again lets nobody in', async () => {
  const { engine, clock } = t
  await changeRoles(engine, { userId: ann.id, roles: ['moderator'], origin })
  const { sessionId } = await engine.accessTokens.verify(ann.access)
  const revocations = createRevocations({
    db: engine.db,
    watch: engine.watch,
    clock,
    maxAge: engine.settings.revocationMaxAge,
    readRoles: async userId => {
      const roles = await listRoles(engine.db, userId)
      await logOut(engine, { userId, sessionId, origin })
      revocations.apply((await readFeed(engine.watch, feedStart, clock.now())).rows)
      return roles
    },
  })
  await revocations.start()
  revocations.stop()
  const passage = passageOf(ann.access)
  const gate = { ...engine, revocations, things: new Map() }
  await assert.rejects(async () => runSteps(gate, headSteps, passage), { code: 'session_ended' })
  assert.equal(passage.principal, undefined)
})

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { testsDatabase } from '../../../../test/environment.ts'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { openSecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { type FoundSession, findCookieSession } from '../sessions/find-session.ts'
import { startSession } from '../sessions/sessions.ts'
import { inTransaction } from '../storage/transaction.ts'
import { checkCookieSession } from './cookie-session.ts'
import { logOut } from './end-sessions.ts'

let t: TestApp
let users = 0
let found: FoundSession
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  const { id: userId } = await addUser(t.engine, `ann${++users}x`)
  const born = { userId, userVersion: 1, amr: ['pwd'], device: '', origin, holding: 'cookie' } as const
  const live = await inTransaction(t.engine.db, work => startSession(t.engine, work, born))
  assert.ok(live?.secret)
  const session = await findCookieSession(t.engine.db, live.secret)
  assert.ok(session)
  found = session
})

/** Judges what was read before, at the moment at which the session has been unused for too long. */
const checkOverdue = () => {
  const now = () => found.session.last_used_at + t.engine.settings.sessionIdleTtl
  return checkCookieSession({ ...t.engine, clock: { ...t.clock, now } }, found, origin)
}
const own = () => ({ userId: found.session.user_id, sessionId: found.session.id, origin })

test('a cookie found overdue whose session was renewed meanwhile is told to wait: its new cookie is good', async () => {
  t.clock.advance(t.engine.settings.sessionIdleTtl - 1)
  const renew = { ...own(), amr: ['pwd'], secretId: t.engine.secrets.newestId }
  await inTransaction(t.engine.db, work => applyConsequences(t.engine, work, 'step-up', renew))
  await assert.rejects(checkOverdue(), { code: 'session_renewed' })
})

test('a cookie found overdue whose session was ended meanwhile is refused, and its end is told once', async () => {
  await logOut(t.engine, own())
  await assert.rejects(checkOverdue(), { code: 'session_ended' })
  const ends = await t.engine.db
    .selectFrom('audit_events')
    .select('reason')
    .where('session_id', '=', found.session.id)
    .where('event', '=', 'session.ended')
    .execute()
  assert.deepEqual(
    ends.map(({ reason }) => reason),
    ['logout'],
  )
})

test('a cookie found overdue is ended under the row of its user: whoever holds that is waited for', {
  skip: testsDatabase.kind === 'sqlite' && 'SQLite has one writer',
}, async () => {
  const [holding, looking] = [openSecondConnection(t.engine), openSecondConnection(t.engine)]
  const { id, user_id: userId } = found.session
  const read = () => looking.row('select ended_at, end_reason from sessions where id = ?', id)
  await holding.run('begin')
  await holding.run('select 1 from users where id = ? for no key update', userId)
  const checking = assert.rejects(checkOverdue(), { code: 'session_ended' })
  await Promise.race([looking.untilBlocked(1), checking])
  assert.equal(read()?.ended_at, null)
  // As an event does that ends it first, and then lets go.
  await holding.run(`update sessions set ended_at = 1, end_reason = 'user_disabled' where id = ?`, id)
  await holding.run('commit')
  await checking
  assert.equal(read()?.end_reason, 'user_disabled')
  for (const each of [holding, looking]) each.close()
})

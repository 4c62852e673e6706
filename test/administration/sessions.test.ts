import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles, disableUser } from 'gatewright/administration'
import { day, minute, second as oneSecond } from 'gatewright/clock'
import { newId } from 'gatewright/random'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { endAllSessions } from '../../packages/gatewright/src/administration/end-all-sessions.ts'
import { endAnySession } from '../../packages/gatewright/src/administration/sessions.ts'
import { commandLineOrigin, systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { endOtherSession, logOut } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { giveKey } from '../api-keys/given.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let second: SecondConnection
let chief: Caller
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  chief = await signUp(t, 'chief', ['admin'])
  // A role between: it may end sessions, and nothing else.
  const permissions = ['users:read', 'sessions:write']
  await createRole(t.engine, { name: 'guard', description: '', permissions }, origin)
})
after(async () => {
  second.close()
  await t.close()
})

const show = ({ status, body }: Answer): string => (body?.code ? `${status} ${body.code}` : String(status))
const list = (query = '', token = chief.access): Promise<Answer> =>
  t.call('GET', `admin/sessions${query}`, { token })
const end = (id: string, token = chief.access): Promise<Answer> =>
  t.call('DELETE', `admin/sessions/${id}`, { token })
const isLive = async ({ access }: SignedIn): Promise<string> =>
  show(await t.call('GET', 'protected', { token: access }))
const newSession = async (...roles: readonly string[]): Promise<SignedIn> => {
  const { id } = await addUser(t.engine, freshName(), { roles })
  return signInAs(t.engine, id, 'curl/8.5.0')
}
const idsOf = ({ body }: Answer): readonly string[] => body.data.map(({ id }: { id: string }) => id)
const rowOf = (id: string) => second.row('select ended_at, end_reason from sessions where id = ?', id)

describe('the list of everybody’s sessions', () => {
  test('has each live one once with whose it is, the newest sign-in first, page by page', async context => {
    const app = await startTestApp()
    context.after(() => app.close())
    const { access: token } = await signUp(app, 'lister', ['admin'])
    const made: string[] = []
    for (const name of ['ann', 'ben', 'cem']) {
      const { id } = await addUser(app.engine, name)
      for (const _ of [1, 2]) {
        app.clock.advance(oneSecond)
        made.unshift((await signInAs(app.engine, id, 'curl/8.5.0')).sessionId)
      }
    }
    const found: { id: string; user: { username: string }; device: string; current: boolean }[] = []
    let cursor: string | null = null
    do {
      const path: string = `admin/sessions?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`
      const { status, body, text } = await app.call('GET', path, { token })
      assert.equal(status, 200, text)
      found.push(...body.data)
      cursor = body.next_cursor
    } while (cursor !== null)
    assert.deepEqual(
      found.slice(0, 6).map(({ id }) => id),
      made,
    )
    assert.equal(found.length, 7)
    assert.deepEqual([found[6]?.user.username, found[6]?.current], ['lister', true])
    assert.deepEqual([found[0]?.user.username, found[0]?.device], ['cem', 'curl'])
  })

  test('is of one user where that is asked for, without what has ended, and of nobody for an id that there is not', async () => {
    const { userId, sessionId } = await newSession('user')
    await newSession('user')
    const { sessionId: ended } = await signInAs(t.engine, userId)
    await logOut(t.engine, { userId, sessionId: ended, origin })
    assert.deepEqual(idsOf(await list(`?user=${userId}`)), [sessionId])
    assert.deepEqual(idsOf(await list(`?user=${'A'.repeat(22)}`)), [])
  })

  test('has none that has ended, or is over by the clock though nobody has looked', async context => {
    const app = await startTestApp()
    context.after(() => app.close())
    const { id } = await addUser(app.engine, 'ann')
    await signInAs(app.engine, id)
    const { sessionId } = await signInAs(app.engine, id)
    await logOut(app.engine, { userId: id, sessionId, origin })
    app.clock.advance(14 * day + oneSecond)
    const { access: token } = await signUp(app, 'lister', ['admin'])
    const { body } = await app.call('GET', 'admin/sessions', { token })
    assert.deepEqual(
      body.data.map(({ user }: { user: { username: string } }) => user.username),
      ['lister'],
    )
  })

  test('says nothing that opens a session', async () => {
    const { text } = await list('?limit=100')
    for (const word of ['gwr_', 'gws_', 'refresh_key', 'secret', 'amr', 'password'])
      assert.ok(!text.includes(word), word)
    for (const { refresh_key } of second.rows('select refresh_key from sessions'))
      assert.ok(!text.includes(String(refresh_key)))
  })

  test('takes no cursor of another search, and no user that can’t be', async () => {
    await newSession('user')
    await newSession('user')
    const { body } = await list('?limit=1')
    for (const query of [
      `?user=${'A'.repeat(22)}&cursor=${body.next_cursor}`,
      '?cursor=x',
      '?user=bob',
      '?user=',
      '?limit=0',
      '?limit=101',
      '?sort=user',
    ])
      assert.equal(show(await list(query)), '400 validation_failed', query)
  })

  test('is shown to nobody who may not end sessions', async () => {
    const { access } = await newSession('moderator')
    assert.equal(show(await list('', access)), '403 insufficient_permission')
  })
})

describe('an administrator ends one session', () => {
  test('at once: its token is refused, others go on, and its owner finds the reason', async () => {
    const one = await newSession('user')
    const other = await signInAs(t.engine, one.userId)
    assert.equal(show(await end(one.sessionId)), '204')
    assert.deepEqual([await isLive(one), await isLive(other)], ['401 session_ended', '200'])
    assert.equal(rowOf(one.sessionId)?.end_reason, 'ended_by_administrator')
    const event = second.row(
      "select actor, user_id, reason from audit_events where event = 'session.ended' and session_id = ?",
      one.sessionId,
    )
    const expected = { actor: chief.id, user_id: one.userId, reason: 'ended_by_administrator' }
    assert.deepEqual({ ...event }, expected)
  })

  test('once: one that has ended, or never was, is not found', async () => {
    const { sessionId } = await newSession('user')
    assert.equal(show(await end(sessionId)), '204')
    for (const id of [sessionId, 'A'.repeat(22), 'x', '..%2fusers'])
      assert.equal(show(await end(id)), '404 not_found', id)
  })

  test('never after a sign-in of more than ten minutes ago', async () => {
    const late = await signUp(t, freshName(), ['admin'])
    const { sessionId } = await newSession('user')
    t.clock.advance(10 * minute + oneSecond)
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: late.refresh } })
    assert.equal(show(await end(sessionId, body.access_token)), '401 insufficient_user_authentication')
    assert.equal(rowOf(sessionId)?.ended_at, null)
    const again = await t.call('POST', 'login', { body: { username: 'chief', password } })
    chief = { ...chief, access: again.body.access_token }
  })
})

describe('no way up: nobody ends a session of somebody who may do more', () => {
  const nobody = { code: 'insufficient_permission' }
  test('an administrator’s is refused to whoever may end sessions alone, and goes on', async () => {
    const [guard, admin] = [await newSession('guard'), await newSession('admin')]
    const target = { sessionId: admin.sessionId, origin }
    await assert.rejects(endAnySession(t.engine, target, guard), nobody)
    assert.equal(rowOf(admin.sessionId)?.ended_at, null)
  })

  test('one of an equal is not', async () => {
    const [guard, other] = [await newSession('guard'), await newSession('guard')]
    await endAnySession(t.engine, { sessionId: other.sessionId, origin }, guard)
    assert.equal(await isLive(other), '401 session_ended')
  })

  test('whoever lost the permission, or the session, while the request waited is refused', async () => {
    const { sessionId } = await newSession('user')
    const [demoted, gone] = [await newSession('guard'), await newSession('guard')]
    await changeRoles(t.engine, { userId: demoted.userId, roles: ['user'], origin })
    await disableUser(t.engine, { userId: gone.userId, origin })
    await assert.rejects(endAnySession(t.engine, { sessionId, origin }, demoted), nobody)
    await assert.rejects(endAnySession(t.engine, { sessionId, origin }, gone), { code: 'session_ended' })
    assert.equal(rowOf(sessionId)?.ended_at, null)
  })
})

test('race: of an administrator and the owner who end one session at once, one does, and the reason is that one’s', async () => {
  for (let round = 0; round < 8; round++) {
    const own = await newSession('user')
    const other = await signInAs(t.engine, own.userId)
    const byAdministrator = () => endAnySession(t.engine, { sessionId: other.sessionId, origin })
    const byOwner = () => endOtherSession(t.engine, { ...own, otherSessionId: other.sessionId, origin })
    const [first, last] = await Promise.allSettled(
      round % 2 === 0 ? [byAdministrator(), byOwner()] : [byOwner(), byAdministrator()],
    )
    assert.deepEqual([first?.status, last?.status].sort(), ['fulfilled', 'rejected'])
    const won =
      (first?.status === 'fulfilled') === (round % 2 === 0) ? 'ended_by_administrator' : 'ended_by_owner'
    assert.equal(rowOf(other.sessionId)?.end_reason, won)
    const events = second.rows(
      "select 1 from audit_events where event = 'session.ended' and session_id = ?",
      other.sessionId,
    )
    assert.equal(events.length, 1)
  }
})

test('everybody is signed out at once, by token, cookie and refresh token, while API keys go on and people sign in again', async context => {
  const app = await startTestApp()
  context.after(() => app.close())
  const connection = openSecondConnection(app.engine)
  context.after(() => connection.close())
  const [ann, ben] = [await signUp(app, 'ann'), await signUp(app, 'ben', ['admin'])]
  const body = { username: 'ann', password }
  const started = await app.call('POST', 'sessions', { body })
  const [cookie = ''] = String(started.headers['set-cookie']).split(';')
  const key = await giveKey(app, ann.id)
  const ask = async (headers: Readonly<Record<string, string>>): Promise<string> =>
    show(await app.call('GET', 'todos', { headers }))
  const by = { cookie: () => ask({ cookie }), key: () => ask({ 'x-api-key': key }) }
  assert.deepEqual([await by.cookie(), await by.key()], ['200', '200'])
  const { sessions, keys } = await endAllSessions(app.engine, commandLineOrigin)
  assert.deepEqual([sessions, keys > 0], [3, true])
  for (const { access, refresh } of [ann, ben]) {
    assert.match(show(await app.call('GET', 'todos', { token: access })), /^401 /)
    assert.match(show(await app.call('POST', 'refresh', { body: { refresh_token: refresh } })), /^401 /)
  }
  assert.match(await by.cookie(), /^401 /)
  assert.equal(await by.key(), '200')
  const live = "select 1 from sessions where ended_at is null or end_reason <> 'ended_by_administrator'"
  assert.equal(connection.rows(live).length, 0)
  assert.equal(connection.rows('select 1 from known_devices').length, 0)
  const again = await app.call('POST', 'login', { body })
  assert.equal(show(await app.call('GET', 'todos', { token: again.body.access_token })), '200')
})

test('race: a session that is begun while everybody is signed out, and committed after, is over as well', async context => {
  const app = await startTestApp()
  context.after(() => app.close())
  const connection = openSecondConnection(app.engine)
  context.after(() => connection.close())
  await signUp(app, 'ann')
  const row = await app.engine.db.selectFrom('sessions').selectAll().executeTakeFirstOrThrow()
  const inserted = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const beginning = inTransaction(app.engine.db, async work => {
    await work.db
      .insertInto('sessions')
      .values({ ...row, id: newId(app.engine.random) })
      .execute()
    inserted.resolve()
    await goOn.promise
  })
  await inserted.promise
  const ending = endAllSessions(app.engine, commandLineOrigin)
  await Promise.race([ending, connection.untilBlocked(1)])
  goOn.resolve()
  await beginning
  assert.equal((await ending).sessions, 2)
  assert.equal(connection.rows('select 1 from sessions where ended_at is null').length, 0)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { changeRoles } from 'gatewright/administration'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let alice: Caller
before(async () => {
  t = await startTestApp()
  alice = await signUp(t, 'alice')
})
after(() => t.close())

/** The events about alice that `act` leaves behind. */
const eventsOf = async (act: () => Promise<unknown>) => {
  const { id = 0 } =
    (await t.engine.db.selectFrom('audit_events').select('id').orderBy('id', 'desc').executeTakeFirst()) ?? {}
  await act()
  return t.engine.db
    .selectFrom('audit_events')
    .leftJoin('audit_personal', 'event_id', 'id')
    .select(['event', 'reason', 'audit_personal.address', 'actor'])
    .where('user_id', '=', alice.id)
    .where('id', '>', id)
    .orderBy('id')
    .execute()
}

const namesOf = async (act: () => Promise<unknown>) => (await eventsOf(act)).map(({ event }) => event)

test('signing in, failing, refreshing, a changed password, changed roles and signing out leave their rows', async () => {
  const origin = { actor: 'system', address: null, requestId: null }
  const changed = { current_password: password, new_password: `${password}!` }
  const post = (path: string, body: object, token?: string) => t.call('POST', path, { body, token })
  assert.deepEqual(await namesOf(() => post('login', { username: 'alice', password })), ['session.started'])
  assert.deepEqual(await namesOf(() => post('login', { username: 'alice', password: 'wrong' })), [
    'sign-in.failed',
  ])
  assert.deepEqual(await namesOf(() => post('refresh', { refresh_token: alice.refresh })), [
    'session.refreshed',
  ])
  assert.deepEqual(
    await namesOf(() => changeRoles(t.engine, { userId: alice.id, roles: ['moderator'], origin })),
    ['user.roles-changed'],
  )
  let pair = { access_token: '' }
  const events = await namesOf(async () => {
    pair = (await t.call('PUT', 'me/password', { token: alice.access, body: changed })).body
  })
  assert.equal(events[0], 'user.password-changed')
  assert.ok(events.includes('session.renewed') && events.includes('session.ended'))
  assert.deepEqual(await namesOf(() => post('logout', {}, pair.access_token)), ['session.ended'])
})

test('a row tells who, from where and why, where there is a reason', async () => {
  const guess = { username: 'alice', password: 'wrong' }
  const [failed] = await eventsOf(() => t.call('POST', 'login', { body: guess, address: '192.0.2.7' }))
  assert.deepEqual(
    { ...failed },
    { event: 'sign-in.failed', reason: 'wrong_password', address: '192.0.2.7', actor: null },
  )
})

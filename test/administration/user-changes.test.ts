import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { selectEvents, toRecorded } from '../../packages/gatewright/src/audit/read-events.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { lockUser } from '../../packages/gatewright/src/users/users.ts'
import { listen } from '../attacks/raw-http.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'

let t: TestApp
/** A second process on the same database. */
let beside: TestApp
let chief: Caller
let bob: string
before(async () => {
  t = await startTestApp()
  beside = await startTestApp({ ...t.engine.settings })
})
after(async () => {
  await beside.close()
  await t.close()
})
beforeEach(async () => {
  chief = await signUp(t, freshName(), ['admin'])
  bob = (await addUser(t.engine, freshName())).id
})

const act = (
  method: string,
  path: string,
  body?: unknown,
  { access }: { readonly access: string } = chief,
  app = t,
): Promise<Answer> => app.call(method, `admin/users/${path}`, { token: access, ...(body ? { body } : {}) })

const eventsOf = async (userId: string) => {
  const rows = await selectEvents(t.engine.db)
    .where('audit_events.user_id', '=', userId)
    .orderBy('audit_events.id')
    .execute()
  return rows.map(toRecorded)
}
const show = async (id: string) => (await act('GET', id)).body

const changes: Record<string, readonly [method: string, path: string, body?: unknown]> = {
  disable: ['POST', '/disable', { reason: 'left' }],
  enable: ['POST', '/enable'],
  'end sessions': ['POST', '/end-sessions'],
  'force a new password': ['POST', '/reset-password'],
  'reset factors': ['POST', '/reset-factors', { reason: 'lost' }],
  'change roles': ['PUT', '/roles', { roles: ['moderator'] }],
  delete: ['DELETE', ''],
}

describe('an administrator', () => {
  test('disables a user with a reason, which ends everything, and enables it again', async () => {
    const { access } = await signInAs(t.engine, bob)
    assert.equal((await act('POST', `${bob}/disable`, { reason: 'left the company' })).status, 204)
    assert.equal((await t.call('GET', 'me', { token: access })).body.code, 'session_ended')
    const disabled = await show(bob)
    assert.deepEqual([disabled.state, disabled.sessions], ['disabled', 0])
    assert.equal((await act('POST', `${bob}/disable`, { reason: 'again' })).status, 204)
    assert.equal((await act('POST', `${bob}/enable`)).status, 204)
    assert.equal((await act('POST', `${bob}/enable`)).status, 204)
    assert.equal((await show(bob)).state, 'enabled')
    assert.equal((await t.call('GET', 'me', { token: access })).status, 401)
    const told = (await eventsOf(bob)).filter(({ event }) => /disabled|enabled/.test(event))
    assert.deepEqual(
      told.map(({ event, actor, details: { said } }) => [event, actor, said]),
      [
        ['user.disabled', chief.id, 'left the company'],
        ['user.enabled', chief.id, undefined],
      ],
    )
  })

  test('ends all sessions of a user, who signs in again', async () => {
    const held = [await signInAs(t.engine, bob), await signInAs(t.engine, bob)]
    assert.equal((await act('POST', `${bob}/end-sessions`)).status, 204)
    for (const { access } of held)
      assert.equal((await t.call('GET', 'me', { token: access })).body.code, 'session_ended')
    assert.equal((await show(bob)).sessions, 0)
    const ended = (await eventsOf(bob)).filter(({ event }) => event === 'session.ended')
    assert.deepEqual(
      ended.map(({ reason, actor }) => [reason, actor]),
      [
        ['ended_by_administrator', chief.id],
        ['ended_by_administrator', chief.id],
      ],
    )
    const again = await signInAs(t.engine, bob)
    assert.equal((await t.call('GET', 'me', { token: again.access })).status, 200)
  })

  test('resets factors for a reason', async () => {
    await plantTotp(t.engine, bob)
    assert.deepEqual((await show(bob)).factors.methods, ['totp'])
    assert.equal((await act('POST', `${bob}/reset-factors`, { reason: 'lost it' })).status, 204)
    assert.deepEqual((await show(bob)).factors.methods, [])
    const reset = (await eventsOf(bob)).find(({ event }) => event === 'second-factors.reset')
    assert.deepEqual([reset?.actor, reset?.details.said], [chief.id, 'lost it'])
  })

  test('gives roles, which live sessions have at once', async () => {
    const { access } = await signInAs(t.engine, bob)
    const { status, body } = await act('PUT', `${bob}/roles`, { roles: ['user', 'moderator'] })
    assert.deepEqual([status, body], [200, { roles: ['moderator', 'user'] }])
    assert.deepEqual((await t.call('GET', 'me', { token: access })).body.roles, ['moderator', 'user'])
  })

  test('deletes a user for good', async () => {
    const { access } = await signInAs(t.engine, bob)
    assert.equal((await act('DELETE', bob)).status, 204)
    assert.equal((await act('GET', bob)).status, 404)
    assert.equal((await act('DELETE', bob)).status, 404)
    assert.equal((await t.call('GET', 'me', { token: access })).body.code, 'session_ended')
  })
})

describe('no way up', () => {
  for (const [name, [method, path, body]] of Object.entries(changes))
    test(`privilege escalation by “${name}”: who may not do what a user may changes nothing of that user`, async () => {
      const before = await show(chief.id)
      const helper = await signUp(t, freshName(), ['user'])
      await t.engine.db.insertInto('user_roles').values({ user_id: helper.id, role: 'moderator' }).execute()
      const { status, body: said } = await act(method, `${chief.id}${path}`, body, helper)
      assert.deepEqual([status, said.code], [403, 'insufficient_permission'])
      assert.deepEqual(await show(chief.id), before)
    })

  test('a stolen session: no change without a recent sign-in, and none is made', async () => {
    const old = await signUp(t, freshName(), ['admin'])
    t.clock.advance(11 * minute)
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: old.refresh } })
    for (const [method, path, sent] of Object.values(changes)) {
      const answer = await act(method, `${bob}${path}`, sent, { access: body.access_token })
      assert.deepEqual([answer.status, answer.body.code], [401, 'insufficient_user_authentication'])
    }
  })
})

describe('is refused', () => {
  test('a user whom there is not, or who is a service', async () => {
    const service = (await addUser(t.engine, freshName())).id
    await t.engine.db.updateTable('users').set({ kind: 'service' }).where('id', '=', service).execute()
    for (const id of [service, 'AAAAAAAAAAAAAAAAAAAAAA', 'no-id'])
      for (const [method, path, body] of Object.values(changes)) {
        const answer = await act(method, `${id}${path}`, body)
        assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], `${method} ${path}`)
      }
  })

  const bodies: readonly (readonly [what: string, method: string, path: string, body: unknown])[] = [
    ['a reset of factors without a reason', 'POST', '/reset-factors', {}],
    ['an empty reason', 'POST', '/disable', { reason: '' }],
    ['a reason of spaces', 'POST', '/reset-factors', { reason: '  \n' }],
    [
      'a password chosen for somebody',
      'POST',
      '/reset-password',
      { new_password: 'what the administrator likes' },
    ],
    [
      'mass assignment: a disabling that also gives roles',
      'POST',
      '/disable',
      { reason: 'x', roles: ['admin'] },
    ],
    ['mass assignment: roles with a kind', 'PUT', '/roles', { roles: ['user'], kind: 'service' }],
    ['mass assignment: user.kind by a change of roles', 'PUT', '/roles', { kind: 'service' }],
    ['a role that there is not', 'PUT', '/roles', { roles: ['wizard'] }],
    ['one role twice', 'PUT', '/roles', { roles: ['user', 'user'] }],
    ['a role by the name of a property of objects', 'PUT', '/roles', { roles: ['__proto__'] }],
    ['a body where there is none', 'POST', '/enable', { reason: 'x' }],
    ['a body where there is none', 'POST', '/end-sessions', { all: true }],
  ]
  for (const [what, method, path, body] of bodies)
    test(`${what} (${path})`, async () => {
      const before = await show(bob)
      const { status, body: said } = await act(method, `${bob}${path}`, body)
      assert.deepEqual([status, said.code], [400, 'validation_failed'])
      assert.deepEqual(await show(bob), before)
    })
})

describe('the last administrator', () => {
  const acts: Record<string, readonly [string, string, unknown?]> = {
    disabled: ['POST', '/disable', { reason: 'x' }],
    demoted: ['PUT', '/roles', { roles: ['user'] }],
    deleted: ['DELETE', ''],
  }
  for (const [name, [method, path, body]] of Object.entries(acts)) {
    test(`is not ${name}, also not by its own hand`, async () => {
      const { alone, root } = await aloneWith()
      const { status, body: said } = await act(method, `${root.id}${path}`, body, root, alone)
      assert.deepEqual([status, said.code], [409, 'last_administrator'])
      await alone.close()
    })

    test(`race: of two administrators who want each other ${name} at once, one is left`, async () => {
      const { alone, root, one, second } = await aloneWith({ hasTwo: true })
      const answers = await Promise.all([
        act(method, `${one.id}${path}`, body, root, alone),
        act(method, `${root.id}${path}`, body, one, second),
      ])
      const done = answers.filter(({ status }) => status < 300)
      assert.equal(done.length, 1, answers.map(({ text }) => text).join('\n'))
      const [refused] = answers.filter(({ status }) => status >= 400)
      assert.ok(
        ['session_ended', 'insufficient_permission', 'last_administrator'].includes(refused?.body.code),
      )
      const left = await alone.engine.db
        .selectFrom('user_roles')
        .innerJoin('users', 'users.id', 'user_roles.user_id')
        .select('users.id')
        .where('role', '=', 'admin')
        .where('disabled_at', 'is', null)
        .execute()
      assert.equal(left.length, 1)
      await second.close()
      await alone.close()
    })
  }
})

/** A database of its own with one administrator or two; the second is called on a process of its own. */
const aloneWith = async ({ hasTwo = false } = {}) => {
  const alone = await startTestApp()
  const root = await signUp(alone, 'root', ['admin'])
  const one = hasTwo ? await signUp(alone, 'one', ['admin']) : root
  const second = hasTwo ? await startTestApp({ ...alone.engine.settings }) : alone
  return { alone, root, one, second }
}

describe('an administrator who has gone away while a change waited', () => {
  let port: number
  let second: SecondConnection
  before(async () => {
    port = await listen(t)
    second = openSecondConnection(t.engine)
  })
  after(() => second.close())

  /** Asks while nobody else may write to the user, and hangs up. */
  const askAndHangUp = async (method: string, path: string, body: unknown): Promise<void> => {
    const [held, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const holding = inTransaction(t.engine.db, async work => {
      await lockUser(work, bob)
      begun.resolve()
      await held.promise
    })
    await begun.promise
    const text = JSON.stringify(body ?? {})
    const head = [
      `${method} /api/v1/admin/users/${bob}${path} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${chief.access}`,
      ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${text.length}`]),
    ]
    const bytes = `${head.join('\r\n')}\r\n\r\n${body === undefined ? '' : text}`
    const socket = connect(port, '127.0.0.1')
    socket.write(bytes)
    await second.untilBlocked(1)
    socket.end()
    await once(socket, 'close')
    assert.equal(socket.bytesRead, 0)
    held.resolve()
    await holding
  }

  // What else there is finds nothing to change in a new user.
  for (const what of ['disable', 'force a new password', 'change roles', 'delete'])
    test(`changes nothing any more (${what}): what was taken meanwhile does not come back`, async () => {
      const [method = '', path = '', body] = changes[what] ?? []
      const [was, events] = [await show(bob), await eventsOf(bob)]
      await askAndHangUp(method, path, body)
      // Whoever comes after it has waited for it.
      await inTransaction(t.engine.db, work => lockUser(work, bob))
      assert.deepEqual([await show(bob), await eventsOf(bob)], [was, events])
    })
})

test('a user disabled at one process is refused at another, also at a sign-in', async () => {
  const carol = await signUp(t, freshName())
  assert.equal((await beside.call('GET', 'me', { token: carol.access })).status, 200)
  assert.equal((await act('POST', `${carol.id}/disable`, { reason: 'x' })).status, 204)
  await beside.engine.revocations.readFromNow()
  assert.equal((await beside.call('GET', 'me', { token: carol.access })).body.code, 'session_ended')
  const { status } = await beside.call('POST', 'login', { body: { username: carol.username, password } })
  assert.equal(status, 401)
})

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { changeRoles, disableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { minute } from '../../packages/gatewright/src/ground/clock.ts'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'
import { addUser, type SignedIn, signInAs } from './signed-in.ts'

const maxAge = 5_000

let t: TestApp
let second: SecondConnection
let ann: SignedIn
beforeEach(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  ann = await signInAs(t.engine, (await addUser(t.engine, 'ann')).id)
})
afterEach(async () => {
  second.close()
  await t.close()
})

const open = (on: TestApp, { access }: SignedIn): Promise<Answer> =>
  on.call('GET', 'protected', { token: access })

/** The feed can't be read: everything else of the database can. */
const breakFeed = (): Promise<void> => second.run('alter table cut_offs rename to away')
const repairFeed = (): Promise<void> => second.run('alter table away rename to cut_offs')

const assertUnavailable = ({ status, body, headers, text }: Answer): void => {
  assert.deepEqual([status, body?.code, headers['retry-after']], [503, 'unavailable', '1'], text)
}

/** Another process on the same database that starts now. */
const startNode = async (): Promise<TestApp> => {
  const node = await startTestApp({ ...t.engine.settings })
  node.clock.advance(t.clock.now() - node.clock.now())
  return node
}

describe('a process that can not read the feed', () => {
  test('lets signed-in callers in until the bound, refuses them past it, and lets them in when it can', async () => {
    await breakFeed()
    t.clock.advance(maxAge)
    assert.equal((await open(t, ann)).status, 200)
    t.clock.advance(1)
    for (const _ of [1, 2]) assertUnavailable(await open(t, ann))
    await repairFeed()
    assert.equal((await open(t, ann)).status, 200)
  })

  test('goes on with public routes for callers without a credential', async () => {
    await breakFeed()
    t.clock.advance(maxAge + 1)
    assert.equal((await t.call('GET', 'posts')).status, 200)
    assert.equal((await t.call('GET', '/healthz')).status, 200)
    const { status, body } = await t.call('POST', 'refresh', { body: { refresh_token: ann.refresh } })
    assert.equal(status, 200, 'a refresh asks the database itself')
    assertUnavailable(await open(t, { ...ann, access: body.access_token }))
  })

  test('never takes a credential that it can not judge for no credential', async () => {
    await breakFeed()
    t.clock.advance(maxAge + 1)
    for (const path of ['posts', '/healthz'])
      assertUnavailable(await t.call('GET', path, { token: ann.access }))
  })

  test('is ready when it has only stood still for longer than the bound: it reads then, as for a request', async () => {
    t.clock.advance(maxAge + 1)
    assert.deepEqual((await t.call('GET', '/readyz')).body, { status: 'ready', reasons: [], warnings: [] })
  })

  test('is ready for 30 s all the same, and then says that it is not, and why, while /healthz stays up', async () => {
    breakFeed()
    t.clock.advance(30_000)
    assertUnavailable(await open(t, ann))
    assert.deepEqual((await t.call('GET', '/readyz')).body, { status: 'ready', reasons: [], warnings: [] })
    t.clock.advance(1_000)
    const { status, text, headers } = await t.call('GET', '/readyz')
    assert.equal(status, 503)
    assert.match(text, /the view of revocations is too old/)
    assert.equal(headers['retry-after'], '1')
    assert.equal((await t.call('GET', '/healthz')).status, 200)
    repairFeed()
    assert.equal((await open(t, ann)).status, 200)
    assert.doesNotMatch((await t.call('GET', '/readyz')).text, /revocations/)
  })

  test('refuses as well when its wall clock was set back, whatever the age seems to be', async () => {
    await breakFeed()
    t.clock.advance(-minute)
    assertUnavailable(await open(t, ann))
    await repairFeed()
    assert.equal((await open(t, ann)).status, 200)
  })

  test('does not say that a session goes on which has ended', async () => {
    await t.call('POST', 'logout', { token: ann.access })
    await breakFeed()
    assert.equal((await open(t, ann)).body.code, 'session_ended')
    t.clock.advance(maxAge + 1)
    assertUnavailable(await open(t, ann))
  })
})

test('a process that reads a kind of cut-off which it does not know refuses signed-in callers until it is replaced', async () => {
  await second.run(
    "insert into cut_offs (kind, subject, matters_until, created_at) values ('grant', 'x', ?, ?)",
    t.clock.now() + minute,
    t.clock.now(),
  )
  t.clock.advance(maxAge + 1)
  for (const _ of [1, 2]) assertUnavailable(await open(t, ann))
  assert.equal((await t.call('GET', 'posts')).status, 200)
  t.clock.advance(31_000)
  const { status, text } = await t.call('GET', '/readyz')
  assert.equal(status, 503)
  assert.match(text, /a kind of cut-off that this version does not know: bring this process up to date/)
  // In its place comes one that knows the kind. This version never will: to it the row is over by then.
  const replaced = await startNode()
  replaced.clock.advance(30_000)
  assertUnavailable(await open(replaced, ann))
  await replaced.close()
  second.run('delete from cut_offs')
  const upgraded = await startNode()
  assert.equal((await open(upgraded, ann)).status, 200)
  await upgraded.close()
})

describe('what one process ended', () => {
  const ends: Record<string, () => Promise<unknown>> = {
    'a logout': () => t.call('POST', 'logout', { token: ann.access }),
    'a disabled user': () => disableUser(t.engine, { userId: ann.userId, origin }),
  }
  for (const [name, end] of Object.entries(ends))
    test(`is refused by another one at its first request past the bound, and by one that starts then (${name})`, async () => {
      const node = await startNode()
      assert.equal((await open(node, ann)).status, 200)
      await end()
      node.clock.advance(maxAge + 1)
      assert.equal((await open(node, ann)).body.code, 'session_ended')
      const late = await startNode()
      assert.equal((await open(late, ann)).body.code, 'session_ended')
      await Promise.all([node.close(), late.close()])
    })
})

test('a cut-off of a user ends the tokens of sessions that it does not name, by the version that they carry', async () => {
  const version = 2
  await second.run('update users set version = ? where id = ?', version, ann.userId)
  const later = await signInAs(t.engine, ann.userId)
  await second.run(
    "insert into cut_offs (kind, subject, version, matters_until, created_at) values ('user', ?, ?, ?, ?)",
    ann.userId,
    version,
    t.clock.now() + minute,
    t.clock.now(),
  )
  t.clock.advance(maxAge + 1)
  assert.equal((await open(t, ann)).body.code, 'session_ended')
  assert.equal((await open(t, later)).status, 200)
})

describe('an administrator who was demoted', () => {
  let root: SignedIn
  beforeEach(async () => {
    await addUser(t.engine, 'other-admin', { roles: ['admin'] })
    root = await signInAs(t.engine, (await addUser(t.engine, 'root', { roles: ['admin'] })).id)
  })

  const addAdministrator = (on: TestApp, username: string): Promise<Answer> => {
    const body = { username, password: 'correct horse battery staple', roles: ['admin'] }
    return on.call('POST', 'users', { token: root.access, body })
  }
  const demote = (): Promise<void> => changeRoles(t.engine, { userId: root.userId, roles: ['user'], origin })

  const assertDemoted = async (on: TestApp): Promise<void> => {
    const refused = await addAdministrator(on, 'helper')
    assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_permission'], refused.text)
    const { status, body } = await open(on, root)
    assert.equal(status, 200, 'and is not signed out')
    assert.deepEqual(body.permissions, ['posts:write', 'todos:read', 'todos:write', 'users:read'])
  }

  test('was one before', async () => {
    assert.equal((await addAdministrator(t, 'helper')).status, 201)
  })

  test('is none at once, with the token of before', async () => {
    await demote()
    await assertDemoted(t)
  })

  test('is none on a process that never saw this user, with the old token before anything else', async () => {
    await demote()
    const restarted = await startNode()
    await assertDemoted(restarted)
    await restarted.close()
  })

  test('is none on a process that has seen the token, at its first request past the bound', async () => {
    const node = await startNode()
    assert.ok((await open(node, root)).body.permissions.includes('users:write'))
    await demote()
    node.clock.advance(maxAge + 1)
    await assertDemoted(node)
    await node.close()
  })

  test('is none after a refresh, and one again at once when promoted again', async () => {
    await demote()
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: root.refresh } })
    root = { ...root, access: body.access_token }
    await assertDemoted(t)
    await changeRoles(t.engine, { userId: root.userId, roles: ['admin'], origin })
    assert.equal((await addAdministrator(t, 'helper')).status, 201)
  })

  test('by two changes in a row has the roles of the second', async () => {
    await changeRoles(t.engine, { userId: root.userId, roles: ['moderator'], origin })
    assert.ok((await open(t, root)).body.permissions.includes('posts:moderate'))
    await demote()
    await assertDemoted(t)
  })
})

test('a user without any role is signed in and may do nothing that needs a permission', async () => {
  await changeRoles(t.engine, { userId: ann.userId, roles: [], origin })
  const { status, body } = await open(t, ann)
  assert.deepEqual([status, body.permissions], [200, []])
  assert.equal((await t.call('GET', 'users', { token: ann.access })).status, 403)
})

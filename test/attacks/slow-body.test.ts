import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { changeRoles, disableUser } from 'gatewright/administration'
import { minute } from 'gatewright/clock'
import { changeRole, createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { revokeKey } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { type Caller, password, startTestApp, type TestApp } from '../harness.ts'
import { freshName, makeOwner, things } from '../senders.ts'
import { listen } from './raw-http.ts'
import { type Slow, sendSlowly as sendOf } from './slow-send.ts'

let t: TestApp
let port: number
before(async () => {
  t = await startTestApp()
  port = await listen(t)
})
after(() => t.close())

const system = { actor: 'system', address: null, requestId: null }

const sendSlowly = ({ access }: Caller, slow: Slow): Promise<string> =>
  sendOf(t, port, { authorization: `Bearer ${access}` }, slow)

const post = { title: 'Slow', content: 'Text' }
const writes = { method: 'POST', path: '/api/v1/posts', body: post }

test('slow body: one that comes late is taken where nothing has changed', async () => {
  assert.equal(await sendSlowly(await makeOwner(t), { ...writes, meanwhile: () => {} }), '201')
})

test('slow body: a session that ends while the body is on its way writes nothing', async () => {
  const owner = await makeOwner(t)
  const meanwhile = () => t.call('POST', 'logout', { token: owner.access })
  assert.equal(await sendSlowly(owner, { ...writes, meanwhile }), '401 session_ended')
})

test('slow body: a user who is disabled while the body is on its way writes nothing', async () => {
  const owner = await makeOwner(t)
  const meanwhile = () => disableUser(t.engine, { userId: owner.id, origin: system })
  assert.equal(await sendSlowly(owner, { ...writes, meanwhile }), '401 session_ended')
})

test('slow body: a signing key that is revoked while the body is on its way lets nothing be written', async () => {
  const owner = await makeOwner(t)
  const { kid } = await t.engine.keyRing.getActive()
  const meanwhile = () => revokeKey(t.engine, { kid, origin: system })
  assert.equal(await sendSlowly(owner, { ...writes, meanwhile }), '401 invalid_token')
})

test('slow body: a role that is taken while the body is on its way is not used', async () => {
  const moderator = await makeOwner(t, 'moderator')
  const draft = await things.draft?.(t, await makeOwner(t), { headers: {} })
  const meanwhile = () => changeRoles(t.engine, { userId: moderator.id, roles: ['user'], origin: system })
  const slow = { method: 'PUT', path: `/api/v1/posts/${draft}`, body: post, meanwhile }
  assert.equal(await sendSlowly(moderator, slow), '404 not_found')
})

test('slow body: what a role allows no more while the body is on its way is not done', async () => {
  const name = freshName()
  await createRole(t.engine, { name, description: '', permissions: ['posts:write'] }, system)
  const meanwhile = () => changeRole(t.engine, { name, permissions: ['users:read'], origin: system })
  const slow = { ...writes, meanwhile }
  assert.equal(await sendSlowly(await makeOwner(t, name), slow), '403 insufficient_permission')
})

test('slow body: a role is not made by whom the right is taken from while the body is on its way', async () => {
  const name = freshName()
  const permissions = ['roles:write', 'users:read']
  await createRole(t.engine, { name, description: '', permissions }, system)
  const meanwhile = () => changeRole(t.engine, { name, permissions: ['users:read'], origin: system })
  const body = { name: freshName(), permissions: ['users:read'] }
  const slow = { method: 'POST', path: '/api/v1/admin/roles', body, meanwhile }
  assert.equal(await sendSlowly(await makeOwner(t, name), slow), '403 insufficient_permission')
})

test('hashing queue: a user is not made by whom the right is taken from while the password waits', async () => {
  const name = freshName()
  const permissions = ['users:write', 'users:read']
  await createRole(t.engine, { name, description: '', permissions }, system)
  const helper = await makeOwner(t, name)
  const { hasher } = t.engine
  const { hash } = hasher
  const username = freshName()
  try {
    Object.assign(hasher, {
      hash: async (...given: Parameters<typeof hash>) => {
        const hashed = await hash(...given)
        await changeRole(t.engine, { name, permissions: ['users:read'], origin: system })
        return hashed
      },
    })
    const body = { username, password, roles: ['user'] }
    const answer = await t.call('POST', 'users', { token: helper.access, body })
    assert.equal(`${answer.status} ${answer.body.code}`, '403 insufficient_permission')
  } finally {
    Object.assign(hasher, { hash })
  }
  const made = t.engine.db.selectFrom('users').select('id').where('username', '=', username)
  assert.equal(await made.executeTakeFirst(), undefined)
})

test('slow body: a thing that is deleted while the body is on its way stays deleted', async () => {
  const owner = await makeOwner(t)
  const todo = await things.todo?.(t, owner, { headers: {} })
  const meanwhile = () => t.call('DELETE', `todos/${todo}`, { token: owner.access })
  const slow = { method: 'PUT', path: `/api/v1/todos/${todo}`, body: { title: 'Slow' }, meanwhile }
  assert.equal(await sendSlowly(owner, slow), '404 not_found')
})

test('slow body: a token that expires while the body is on its way writes nothing', async () => {
  const meanwhile = () => t.clock.advance(11 * minute)
  assert.equal(await sendSlowly(await makeOwner(t), { ...writes, meanwhile }), '401 token_expired')
})

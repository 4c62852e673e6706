import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { asksForRecentSignIn, permissionsIn } from '../../packages/gatewright/src/permissions/access-rule.ts'
import { giveKey } from '../api-keys/given.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { addUser } from '../sessions/signed-in.ts'

let t: TestApp
let admin: Caller
before(async () => {
  t = await startTestApp()
  admin = await signUp(t, 'root', ['admin'])
})
after(() => t.close())

const ask = (method: string, path: string, body?: object, { access }: Caller = admin): Promise<Answer> =>
  t.call(method, path, { token: access, ...(body && { body }) })
const make = async (...permissions: readonly string[]): Promise<string> => {
  const { status, body, text } = await ask('POST', 'admin/roles', { name: freshName(), permissions })
  assert.equal(status, 201, text)
  return body.name
}

describe('administrators', () => {
  test('make a role, see it, change it and delete it', async () => {
    const name = freshName()
    const asked = { name, description: 'answers questions', permissions: ['users:read', 'posts:moderate'] }
    const made = await ask('POST', 'admin/roles', asked)
    assert.equal(made.status, 201, made.text)
    assert.deepEqual((await ask('GET', `admin/roles/${name}`)).body, made.body)
    const { body } = await ask('PATCH', `admin/roles/${name}`, { permissions: ['sessions:write'] })
    assert.deepEqual(
      [body.kind, body.description, body.permissions, body.administrative, body.holders],
      ['made', 'answers questions', ['sessions:write'], true, 0],
    )
    assert.equal((await ask('DELETE', `admin/roles/${name}`)).status, 204)
    assert.equal(show(await ask('GET', `admin/roles/${name}`)), '404 not_found')
  })

  test('see every role with its kind, and every permission with what it allows', async () => {
    const name = await make('users:read')
    const { body } = await ask('GET', 'admin/roles')
    const kinds = body.roles.map((role: { name: string; kind: string }) => `${role.name} ${role.kind}`)
    for (const known of ['user built-in', 'moderator built-in', 'admin built-in', `${name} made`])
      assert.ok(kinds.includes(known), known)
    const { permissions } = (await ask('GET', 'admin/permissions')).body
    const found = permissions.find((one: { name: string }) => one.name === 'roles:write')
    assert.deepEqual(found, { name: 'roles:write', allows: 'administer roles', administrative: true })
  })

  test('leave a trace of who did what', async () => {
    const name = await make('users:read')
    await ask('PATCH', `admin/roles/${name}`, { permissions: ['posts:write'] })
    const rows = await t.engine.db
      .selectFrom('audit_events')
      .selectAll()
      .where('event', 'like', 'role.%')
      .execute()
    const own = rows.filter(row => JSON.parse(row.details).role === name)
    assert.deepEqual(
      own.map(({ event, actor }) => [event, actor]),
      [
        ['role.created', admin.id],
        ['role.changed', admin.id],
      ],
    )
    const { before: was, after: is } = JSON.parse(own[1]?.details ?? '{}')
    assert.deepEqual([was, is], [['users:read'], ['posts:write']])
  })
})

describe('is refused', () => {
  test('an unknown permission, which the answer names', async () => {
    const name = await make('users:read')
    for (const answer of [
      await ask('POST', 'admin/roles', { name: freshName(), permissions: ['posts:moderat'] }),
      await ask('PATCH', `admin/roles/${name}`, { permissions: ['users:read', 'posts:moderat'] }),
    ]) {
      assert.equal(show(answer), '400 validation_failed')
      assert.equal(answer.body.errors[0].path, '/permissions')
      assert.match(answer.body.errors[0].message, /"posts:moderat"/)
    }
  })

  for (const [what, body] of Object.entries({
    'a name that is none': { name: 'Two Words', permissions: [] },
    'no name': { permissions: [] },
    'no permissions': { name: 'reader' },
    'a field that there is not': { name: 'reader', permissions: [], kind: 'built-in' },
    'permissions that are no list': { name: 'reader', permissions: 'users:read' },
    'a description without end': { name: 'reader', permissions: [], description: 'x'.repeat(201) },
  }))
    test(`${what}: 400`, async () => {
      assert.equal(show(await ask('POST', 'admin/roles', body)), '400 validation_failed')
    })

  test('a change of nothing: 400', async () => {
    assert.equal(show(await ask('PATCH', `admin/roles/${await make()}`, {})), '400 validation_failed')
  })

  test('a name that is taken, be it of code: 409', async () => {
    for (const name of [await make(), 'user', 'moderator', 'admin'])
      assert.equal(show(await ask('POST', 'admin/roles', { name, permissions: [] })), '409 conflict')
  })

  test('a change or an end of what stands in code, or of what there is not: 409, 404', async () => {
    for (const [name, expected] of [
      ['admin', '409 conflict'],
      ['nobody', '404 not_found'],
    ] as const) {
      assert.equal(show(await ask('PATCH', `admin/roles/${name}`, { permissions: [] })), expected)
      assert.equal(show(await ask('DELETE', `admin/roles/${name}`)), expected)
    }
  })

  test('the end of a role that somebody has: 409, and it is not taken', async () => {
    const name = await make('users:read')
    const { id } = await addUser(t.engine, freshName(), { roles: [name] })
    assert.equal(show(await ask('DELETE', `admin/roles/${name}`)), '409 conflict')
    const held = await t.engine.db.selectFrom('user_roles').select('role').where('user_id', '=', id).execute()
    assert.deepEqual(held, [{ role: name }])
  })

  test('way up: a role of what the caller may not do, at its birth or later: 403', async () => {
    const own = await make('roles:write', 'users:read')
    const keeper = await signUp(t, freshName(), [own])
    const wider = ['users:read', 'users:write']
    const asked = { name: freshName(), permissions: wider }
    assert.equal(show(await ask('POST', 'admin/roles', asked, keeper)), '403 insufficient_permission')
    for (const name of [own, await make('users:read')]) {
      const answer = await ask('PATCH', `admin/roles/${name}`, { permissions: wider }, keeper)
      assert.equal(show(answer), '403 insufficient_permission')
    }
    assert.equal(
      show(await ask('DELETE', `admin/roles/${await make('users:write')}`, undefined, keeper)),
      '403 insufficient_permission',
    )
  })

  test('the last administrator stays one, whatever a role made of everything allows', async () => {
    const { permissions } = (await ask('GET', 'admin/permissions')).body
    const all = await make(...permissions.map(({ name }: { name: string }) => name))
    const asked = { userId: admin.id, roles: [all], origin }
    await assert.rejects(changeRoles(t.engine, asked), { code: 'last_administrator' })
  })
})

test('prototype names: a role that is called as what every object has is a role like others', async () => {
  for (const name of ['constructor', 'then', 'null']) {
    const permissions = ['posts:moderate']
    assert.equal((await ask('POST', 'admin/roles', { name, permissions })).status, 201)
    const bob = await signUp(t, freshName(), [name])
    const { body } = await t.call('GET', 'me', { token: bob.access })
    assert.deepEqual([body.roles, body.permissions], [[name], permissions])
    const why = await ask('POST', 'admin/explain', { user: bob.username, permission: 'posts:moderate' })
    assert.equal(why.body.allowed, true, why.text)
    assert.equal((await ask('PUT', `admin/users/${bob.id}/roles`, { roles: ['user'] })).status, 200)
    assert.equal((await ask('DELETE', `admin/roles/${name}`)).status, 204)
  }
})

test('stolen session: whatever administration changes asks for a permission, a recent sign-in, and a person', () => {
  const unsafe = t.app.routeTable.routes.filter(
    ({ method, url }) => url.includes('/admin/') && !['GET', 'HEAD'].includes(method),
  )
  assert.ok(unsafe.length > 20)
  for (const { method, url, rule } of unsafe) {
    assert.ok(permissionsIn(rule.access).length > 0 && asksForRecentSignIn(rule.access), `${method} ${url}`)
    assert.deepEqual(rule.principals ?? ['user'], ['user'], `${method} ${url}`)
  }
})

test('what a role allows is so in the next answer, for a token of before', async () => {
  const name = await make('users:read')
  const ann = await signUp(t, freshName(), [name])
  const list = () => t.call('GET', 'users', { token: ann.access })
  assert.equal((await list()).status, 200)
  await ask('PATCH', `admin/roles/${name}`, { permissions: [] })
  assert.equal(show(await list()), '403 insufficient_permission')
  await ask('PATCH', `admin/roles/${name}`, { permissions: ['users:read'] })
  assert.equal((await list()).status, 200)
})

test('what a role allows is so in the next answer for an API key, which does no more than its owner', async () => {
  const name = await make('users:read')
  const { id } = await signUp(t, freshName(), [name])
  const key = await giveKey(t, id, { permissions: ['users:read'] })
  const list = () => t.call('GET', 'users', { headers: { 'x-api-key': key } })
  assert.equal((await list()).status, 200)
  await ask('PATCH', `admin/roles/${name}`, { permissions: [] })
  assert.equal(show(await list()), '403 insufficient_permission')
  await ask('PATCH', `admin/roles/${name}`, { permissions: ['users:read'] })
  assert.equal((await list()).status, 200)
})

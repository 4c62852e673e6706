import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles, disableUser, enableUser } from 'gatewright/administration'
import { second as oneSecond } from 'gatewright/clock'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import {
  changeServiceRoles,
  createService,
  deleteService,
  disableService,
  enableService,
} from '../../packages/gatewright/src/administration/services.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { makeCode } from '../../packages/gatewright/src/codes/codes.ts'
import type { Caller as Administrator } from '../../packages/gatewright/src/sessions/hold-session.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { startTestSession } from '../../packages/gatewright/src/testing/test-session.ts'
import { awaitsAdministrator } from '../../packages/gatewright/src/users/administrators.ts'
import { getService } from '../../packages/gatewright/src/users/services.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { giveAddress } from '../mail/given-link.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'
import { givePasskey } from '../passkeys/registered.ts'
import { freshName } from '../senders.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let second: SecondConnection
let chief: Caller
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  chief = await signUp(t, 'chief', ['admin'])
})
after(async () => {
  second.close()
  await t.close()
})

const show = ({ status, body }: Answer): string => (body?.code ? `${status} ${body.code}` : String(status))
const ask = (method: string, path: string, body?: object, token = chief.access): Promise<Answer> =>
  t.call(method, `admin/services${path}`, { token, body })

const newService = async (roles: readonly string[] = ['user']): Promise<{ id: string; name: string }> =>
  createService(t.engine, { name: freshName(), roles }, origin)

const plantKey = async (userId: string): Promise<string> => {
  const id = `key of ${userId}`
  const key = { id, user_id: userId, name: 'reports', secret_hash: '', permissions: '' }
  await t.engine.db
    .insertInto('api_keys')
    .values({ ...key, allowed_addresses: '', address: '', created_at: 1 })
    .execute()
  return id
}
const endOf = (keyId: string) => second.row('select end_reason from api_keys where id = ?', keyId)?.end_reason
const countEvents = (event: string, userId: string): number =>
  second.rows('select 1 from audit_events where event = ? and user_id = ?', event, userId).length

describe('a service', () => {
  test('is created, shown, given other roles, disabled, enabled and deleted by administrators', async () => {
    const body = { name: 'Robot', description: ' counts ', roles: ['user', 'user'] }
    const made = await ask('POST', '', body)
    assert.equal(made.status, 201, made.text)
    const { id } = made.body
    assert.deepEqual(made.body, {
      id,
      name: 'Robot',
      description: 'counts',
      roles: ['user'],
      state: 'enabled',
      disabled_at: null,
      created_at: new Date(t.clock.now()).toISOString(),
    })
    assert.deepEqual((await ask('GET', `/${id}`)).body, made.body)
    const roles = await ask('PUT', `/${id}/roles`, { roles: ['moderator'] })
    assert.deepEqual(roles.body, { ...made.body, roles: ['moderator'] })
    assert.equal((await ask('POST', `/${id}/disable`)).body.state, 'disabled')
    assert.equal((await ask('POST', `/${id}/enable`)).body.state, 'enabled')
    assert.equal((await ask('DELETE', `/${id}`)).status, 204)
    for (const [method, rest] of [
      ['GET', ''],
      ['POST', '/enable'],
      ['DELETE', ''],
    ] as const)
      assert.equal(show(await ask(method, `/${id}${rest}`)), '404 not_found')
  })

  test('may have no role and no description: its keys may do nothing then', async () => {
    const { status, body } = await ask('POST', '', { name: freshName() })
    assert.deepEqual([status, body.roles, body.description], [201, [], null])
  })

  test('shares its name with nobody: not with a user, nor with another service, in any case of letters', async () => {
    const { name } = await newService()
    for (const taken of ['chief', 'CHIEF', name, name.toUpperCase()])
      assert.equal(show(await ask('POST', '', { name: taken })), '409 username_taken')
    const asUser = await t.call('POST', 'register', { body: { username: name, password } })
    assert.equal(show(asUser), '409 username_taken')
  })

  test('that is deleted leaves its name to nobody for a year', async () => {
    const { id, name } = await newService()
    await deleteService(t.engine, { serviceId: id, origin })
    assert.equal(show(await ask('POST', '', { name })), '409 username_taken')
    const asUser = await t.call('POST', 'register', { body: { username: name, password } })
    assert.equal(show(asUser), '409 username_taken')
    const row = second.row('select username, description from users where id = ?', id)
    assert.deepEqual({ ...row }, { username: '', description: null })
  })

  test('is refused with a name, a role or a field that can’t be', async () => {
    for (const body of [
      { name: 'a@b.example' },
      { name: 'a' },
      { name: '' },
      {},
      { name: freshName(), roles: ['nobody'] },
      { name: freshName(), roles: [''] },
      { name: freshName(), roles: 'user' },
      { name: freshName(), password },
      { name: freshName(), email: 'a@b.example' },
      { name: freshName(), kind: 'user' },
      { name: freshName(), description: 'x'.repeat(501) },
    ])
      assert.equal(show(await ask('POST', '', body)), '400 validation_failed', JSON.stringify(body))
    const { id } = await newService()
    for (const body of [{}, { roles: ['nobody'] }, { roles: null }, { roles: ['user'], name: 'other' }])
      assert.equal(show(await ask('PUT', `/${id}/roles`, body)), '400 validation_failed')
  })

  test('is no user: no route of services takes a user’s id, and none has changed', async () => {
    const was = second.row('select * from users where id = ?', chief.id)
    for (const [method, rest, body] of [
      ['GET', '', undefined],
      ['PUT', '/roles', { roles: [] }],
      ['POST', '/disable', undefined],
      ['POST', '/enable', undefined],
      ['DELETE', '', undefined],
    ] as const)
      assert.equal(show(await ask(method, `/${chief.id}${rest}`, body)), '404 not_found')
    assert.deepEqual(second.row('select * from users where id = ?', chief.id), was)
  })
})

describe('the list of services', () => {
  test('has every service once and nobody else, oldest first, page by page', async context => {
    const app = await startTestApp()
    context.after(() => app.close())
    const { access: token } = await signUp(app, 'lister', ['admin'])
    const names = ['one', 'two', 'three', 'four', 'five']
    for (const name of names) {
      await createService(app.engine, { name, roles: [] }, origin)
      await addUser(app.engine, freshName())
      app.clock.advance(oneSecond)
    }
    const found: string[] = []
    let cursor: string | null = ''
    do {
      const path: string = `admin/services?limit=2${cursor ? `&cursor=${cursor}` : ''}`
      const { status, body, text } = await app.call('GET', path, { token })
      assert.equal(status, 200, text)
      found.push(...body.data.map(({ name }: { name: string }) => name))
      cursor = body.next_cursor
    } while (cursor !== null)
    assert.deepEqual(found, names)
  })

  test('takes no cursor of another list, nor one that was changed', async () => {
    const users = await t.call('GET', 'admin/users?limit=1', { token: chief.access })
    for (const cursor of ['x', users.body.next_cursor ?? 'y', 'WyJhIiwwLCJiIl0'])
      assert.equal(show(await ask('GET', `?cursor=${cursor}`)), '400 validation_failed')
  })
})

describe('what ends with a service', () => {
  test('disabled: its own keys end, and nobody else’s', async () => {
    const { id } = await newService()
    const [own, other] = [await plantKey(id), await plantKey((await newService()).id)]
    assert.equal((await ask('POST', `/${id}/disable`)).status, 200)
    assert.deepEqual([endOf(own), endOf(other)], ['user_disabled', null])
    assert.ok(t.engine.revocations.isApiKeyEnded(own))
    assert.ok(!t.engine.revocations.isApiKeyEnded(other))
  })

  test('enabled again: keys that have ended stay ended', async () => {
    const { id } = await newService()
    const key = await plantKey(id)
    await disableService(t.engine, { serviceId: id, origin })
    await enableService(t.engine, { serviceId: id, origin })
    assert.equal(endOf(key), 'user_disabled')
    assert.ok(t.engine.revocations.isApiKeyEnded(key))
  })

  test('deleted: its keys end', async () => {
    const { id } = await newService()
    const key = await plantKey(id)
    assert.equal((await ask('DELETE', `/${id}`)).status, 204)
    assert.equal(endOf(key), 'user_deleted')
    assert.ok(t.engine.revocations.isApiKeyEnded(key))
  })

  test('disabled twice: one event, and no failure', async () => {
    const { id } = await newService()
    for (const _ of [1, 2]) assert.equal((await ask('POST', `/${id}/disable`)).body.state, 'disabled')
    assert.equal(countEvents('service.disabled', id), 1)
  })
})

describe('a service never signs in', () => {
  const passwordHash = hashCheaply(password)

  test('by a password, also where its row has one', async () => {
    const { id, name } = await newService()
    await t.engine.db.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', id).execute()
    for (const door of ['login', 'sessions'])
      assert.equal(
        show(await t.call('POST', door, { body: { username: name, password } })),
        '401 invalid_credentials',
      )
    assert.equal(countEvents('session.started', id), 0)
  })

  test('by an address, also where its row has a verified one, and no link is sent there', async () => {
    const { id } = await newService()
    const address = `${id.toLowerCase()}@example.org`
    await giveAddress(t.engine, id, address)
    await t.engine.db.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', id).execute()
    const signIn = await t.call('POST', 'login', { body: { username: address, password } })
    assert.equal(show(signIn), '401 invalid_credentials')
    assert.equal((await t.call('POST', 'password/forgot', { body: { email: address } })).status, 202)
    assert.ok(!(await t.deliverMail()).some(({ to }) => to === address))
  })

  test('by a passkey, also where its row has one', async () => {
    const { id } = await newService()
    const passkey = await givePasskey(t.engine, id)
    const { body: options } = await t.call('POST', 'login/passkey/options', {})
    const answer = await t.call('POST', 'login/passkey', { body: { response: passkey.get(options) } })
    assert.equal(show(answer), '401 invalid_credentials')
    assert.equal(countEvents('session.started', id), 0)
  })

  test('by whatever door: the one function that starts sessions starts none for it', async () => {
    const { id } = await newService()
    await assert.rejects(startTestSession(t.engine, { userId: id }), { code: 'invalid_credentials' })
    assert.equal(second.rows('select 1 from sessions where user_id = ?', id).length, 0)
  })

  test('by a link or a code: none is made for it', async () => {
    const { id } = await newService()
    for (const purpose of ['reset-password', 'verify-email', 'second-factor'] as const) {
      const made = await inTransaction(t.engine.db, work =>
        makeCode(t.engine, work, { purpose, user: { id, version: 1 }, data: { email: 'a@b.example' } }),
      )
      assert.equal(made, undefined, purpose)
    }
  })

  test('and stands in no list of users, nor is it found among them', async () => {
    const { id, name } = await newService()
    const { access: token } = chief
    assert.equal(show(await t.call('GET', `users/${id}`, { token })), '404 not_found')
    assert.equal(show(await t.call('GET', `admin/users/${id}`, { token })), '404 not_found')
    for (const path of [
      'users?per_page=100',
      'admin/users?limit=100',
      `admin/users?q=${name}`,
      'admin/users?role=user&limit=100',
    ])
      assert.ok(!(await t.call('GET', path, { token })).text.includes(id), path)
  })

  test('and no change of users reaches it', async () => {
    const { id } = await newService(['moderator'])
    const was = second.row('select * from users where id = ?', id)
    const gone = { code: 'not_found' }
    await assert.rejects(changeRoles(t.engine, { userId: id, roles: [], origin }), gone)
    await assert.rejects(resetFactors(t.engine, { userId: id, reason: 'lost', origin }), gone)
    await assert.rejects(deleteUser(t.engine, { userId: id, origin }), gone)
    await Promise.allSettled([
      disableUser(t.engine, { userId: id, origin }),
      enableUser(t.engine, { userId: id, origin }),
    ])
    assert.deepEqual(second.row('select * from users where id = ?', id), was)
    assert.deepEqual((await getService(t.engine.db, id)).roles, ['moderator'])
  })
})

describe('a service as an administrator', () => {
  test('is nobody who brings people back: the last person who is one stays', async context => {
    const app = await startTestApp()
    context.after(() => app.close())
    const { id } = await addUser(app.engine, 'only', { roles: ['admin'] })
    await createService(app.engine, { name: 'robot', roles: ['admin'] }, origin)
    const last = { code: 'last_administrator' }
    await assert.rejects(disableUser(app.engine, { userId: id, origin }), last)
    await assert.rejects(changeRoles(app.engine, { userId: id, roles: [], origin }), last)
    await assert.rejects(deleteUser(app.engine, { userId: id, origin }), last)
  })

  test('closes no set-up link: the first administrator is a person', async context => {
    const app = await startTestApp()
    context.after(() => app.close())
    await createService(app.engine, { name: 'robot', roles: ['admin'] }, origin)
    assert.ok(await awaitsAdministrator(app.engine.db))
  })
})

const nobody = { code: 'insufficient_permission' }
type Operation = (caller: Administrator, serviceId: string) => Promise<unknown>

const operations: Readonly<Record<string, Operation>> = {
  'gives roles to': (caller, serviceId) =>
    changeServiceRoles(t.engine, { serviceId, roles: ['user'], origin }, caller),
  disables: (caller, serviceId) => disableService(t.engine, { serviceId, origin }, caller),
  enables: (caller, serviceId) => enableService(t.engine, { serviceId, origin }, caller),
  deletes: (caller, serviceId) => deleteService(t.engine, { serviceId, origin }, caller),
}

describe('no way up: a service belongs to the administrators together, and to none who may do less', () => {
  let helen: Administrator
  before(async () => {
    // A role between: it may administer users, and nothing else.
    const permissions = ['users:read', 'users:write']
    await createRole(t.engine, { name: 'helpdesk', description: '', permissions }, origin)
    const { id } = await addUser(t.engine, 'helen', { roles: ['helpdesk'] })
    helen = await signInAs(t.engine, id)
  })

  for (const [does, operation] of Object.entries(operations)) {
    test(`whoever ${does} one that may do more is refused, and nothing has changed`, async () => {
      const { id } = await newService(['admin'])
      const key = await plantKey(id)
      const was = second.row('select * from users where id = ?', id)
      await assert.rejects(operation(helen, id), nobody)
      assert.deepEqual(second.row('select * from users where id = ?', id), was)
      assert.deepEqual([(await getService(t.engine.db, id)).roles, endOf(key)], [['admin'], null])
    })

    test(`whoever ${does} one that may do no more is let do it`, async () => {
      await operation(helen, (await newService(['helpdesk'])).id)
    })

    test(`whoever ${does} one from a session that has ended is refused`, async () => {
      const { id } = await addUser(t.engine, freshName(), { roles: ['admin'] })
      const gone = await signInAs(t.engine, id)
      await disableUser(t.engine, { userId: id, origin })
      await assert.rejects(operation(gone, (await newService()).id), { code: 'session_ended' })
    })
  }

  test('nobody gives a service a role that allows more than the own ones, at its birth or later', async () => {
    for (const roles of [['admin'], ['moderator', 'admin'], ['helpdesk', 'admin']]) {
      const asked = { name: freshName(), roles }
      await assert.rejects(createService(t.engine, asked, origin, helen), nobody)
      const { id } = await newService()
      await assert.rejects(changeServiceRoles(t.engine, { serviceId: id, roles, origin }, helen), nobody)
      assert.deepEqual((await getService(t.engine.db, id)).roles, ['user'])
    }
  })

  test('nobody takes from it what they could not give', async () => {
    const { id } = await newService(['admin', 'user'])
    await assert.rejects(
      changeServiceRoles(t.engine, { serviceId: id, roles: ['user'], origin }, helen),
      nobody,
    )
  })
})

const rounds = 8

describe('races', () => {
  test('of two who ask for one name at once, one gets it', async () => {
    for (let round = 0; round < rounds; round++) {
      const name = freshName()
      const made = await Promise.allSettled([
        createService(t.engine, { name, roles: [] }, origin),
        createService(t.engine, { name: name.toUpperCase(), roles: [] }, origin),
        addUser(t.engine, name),
      ])
      assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1)
    }
  })

  test('who is demoted while giving a service its roles has given before, or is refused', async () => {
    for (let round = 0; round < rounds; round++) {
      const { id: userId } = await addUser(t.engine, freshName(), { roles: ['admin'] })
      const caller = await signInAs(t.engine, userId)
      const { id: serviceId } = await newService([])
      const give = () => changeServiceRoles(t.engine, { serviceId, roles: ['admin'], origin }, caller)
      const demote = () => changeRoles(t.engine, { userId, roles: ['user'], origin })
      const isLate = round % 2 === 1
      if (isLate) await demote()
      const [given] = await Promise.allSettled([give(), ...(isLate ? [] : [demote()])])
      const { roles } = await getService(t.engine.db, serviceId)
      assert.deepEqual(roles, given?.status === 'fulfilled' ? ['admin'] : [])
      if (isLate) assert.equal(given?.status, 'rejected')
    }
  })

  test('disabled and enabled at once: each is done once, in one order', async () => {
    for (let round = 0; round < rounds; round++) {
      const { id } = await newService()
      const key = await plantKey(id)
      await Promise.all([
        disableService(t.engine, { serviceId: id, origin }),
        disableService(t.engine, { serviceId: id, origin }),
        enableService(t.engine, { serviceId: id, origin }),
      ])
      assert.equal(endOf(key), 'user_disabled')
      const [disabled, enabled] = [countEvents('service.disabled', id), countEvents('service.enabled', id)]
      const { disabledAt } = await getService(t.engine.db, id)
      assert.equal(disabled - enabled, disabledAt === null ? 0 : 1)
    }
  })
})

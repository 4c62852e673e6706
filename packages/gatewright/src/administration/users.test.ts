import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { password, startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { commandLineOrigin, systemOrigin as origin } from '../audit/record.ts'
import { inTransaction } from '../storage/transaction.ts'
import { findUser, replaceRoles } from '../users/users.ts'
import { changeRoles, checkRoles, createUser, disableUser, enableUser } from './users.ts'

let t: TestApp
beforeEach(async () => {
  t = await startTestApp()
})
afterEach(() => t.close())

const add = async (username: string, ...roles: string[]): Promise<string> =>
  (await addUser(t.engine, username, { roles })).id
const rolesOf = async (userId: string) => (await findUser(t.engine.db, userId))?.roles
const isDisabled = async (userId: string) => (await findUser(t.engine.db, userId))?.disabledAt !== null
const listEvents = async (userId: string) =>
  (await t.engine.db.selectFrom('audit_events').select('event').where('user_id', '=', userId).execute()).map(
    ({ event }) => event,
  )
const disable = (userId: string) => disableUser(t.engine, { userId, origin })
const demote = (userId: string) => changeRoles(t.engine, { userId, roles: ['user'], origin })

describe('the last administrator', () => {
  const acts = {
    disabled: disable,
    demoted: demote,
    'left without any role': (userId: string) => changeRoles(t.engine, { userId, roles: [], origin }),
  }
  for (const [name, act] of Object.entries(acts)) {
    test(`can not be ${name}, and nothing of the attempt stays`, async () => {
      const root = await add('root', 'admin')
      await assert.rejects(act(root), { code: 'last_administrator' })
      assert.deepEqual([await rolesOf(root), await isDisabled(root)], [['admin'], false])
      assert.deepEqual(await listEvents(root), [])
    })

    test(`can not be ${name} where the other administrators are disabled`, async () => {
      const root = await add('root', 'admin')
      const other = await add('other', 'admin')
      await disable(other)
      await assert.rejects(act(root), { code: 'last_administrator' })
    })

    test(`may be ${name} by nobody, but one of two may`, async () => {
      await add('root', 'admin')
      await act(await add('other', 'admin', 'moderator'))
    })
  }

  test('may get more roles', async () => {
    const root = await add('root', 'admin')
    await changeRoles(t.engine, { userId: root, roles: ['admin', 'moderator'], origin })
    assert.deepEqual(await rolesOf(root), ['admin', 'moderator'])
  })

  test('is not in the way of changes to users who are none', async () => {
    await add('root', 'admin')
    const ann = await add('ann', 'user')
    await disable(ann)
    await demote(ann)
  })

  const pairs = {
    'both demoted': [demote, demote],
    'both disabled': [disable, disable],
    'one demoted, one disabled': [demote, disable],
  } as const
  for (const [name, [first, second]] of Object.entries(pairs))
    test(`stays where two administrators go at once: ${name}`, async () => {
      const [a, b] = [await add('ada', 'admin'), await add('bea', 'admin')]
      const results = await Promise.allSettled([first(a), second(b)])
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
      const left = [a, b].map(async id => (await rolesOf(id))?.includes('admin') && !(await isDisabled(id)))
      assert.equal((await Promise.all(left)).filter(Boolean).length, 1)
    })

  test('stays where ten administrators demote each other at once', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => add(`admin${n}`, 'admin')))
    const results = await Promise.allSettled(ids.map(demote))
    assert.equal(results.filter(({ status }) => status === 'rejected').length, 1)
  })
})

describe('roles', () => {
  const unknown = [['root'], ['Admin'], ['user', 'constructor'], [''], ['admin '], ['__proto__']]
  for (const roles of unknown)
    test(`that do not exist (${JSON.stringify(roles)}) are refused, with those that do`, async () => {
      const ann = await add('ann', 'user')
      const names = { code: 'validation_failed', message: /form/ }
      assert.throws(() => checkRoles(t.engine, roles), names)
      await assert.rejects(async () => changeRoles(t.engine, { userId: ann, roles, origin }), names)
      const made = createUser(t.engine, { username: 'ben', password, roles }, origin)
      await assert.rejects(made, error => {
        const { errors } = (error as { details: { errors: { path: string; message: string }[] } }).details
        assert.equal(errors[0]?.path, '/roles')
        assert.match(errors[0]?.message ?? '', /write one of user, moderator, admin/)
        return true
      })
      assert.deepEqual(await rolesOf(ann), ['user'])
      assert.equal(t.engine.hasher.count(), 0)
    })

  test('replace those held, and one named twice is held once', async () => {
    const ann = await add('ann', 'user')
    await changeRoles(t.engine, { userId: ann, roles: ['moderator', 'moderator'], origin })
    assert.deepEqual(await rolesOf(ann), ['moderator'])
    const ben = await createUser(t.engine, { username: 'ben', password, roles: ['user', 'user'] }, origin)
    assert.deepEqual(await rolesOf(ben.id), ['user'])
  })

  test('of nobody can not be changed', async () => {
    await assert.rejects(async () => changeRoles(t.engine, { userId: 'nobody', roles: ['user'], origin }), {
      code: 'not_found',
    })
  })
})

describe('a disabled user', () => {
  let ann: string
  let session: SignedIn
  beforeEach(async () => {
    ann = await add('ann', 'user')
    session = await signInAs(t.engine, ann)
  })
  const open = async ({ access }: SignedIn) => (await t.call('GET', 'protected', { token: access })).status
  const refresh = async ({ refresh: token }: SignedIn) =>
    (await t.call('POST', 'refresh', { body: { refresh_token: token } })).status

  test('has nothing left: no session, no access token, no refresh token, no new session', async () => {
    const other = await signInAs(t.engine, ann)
    await disable(ann)
    for (const held of [session, other]) assert.deepEqual([await open(held), await refresh(held)], [401, 401])
    await assert.rejects(signInAs(t.engine, ann), { code: 'invalid_credentials' })
  })

  test('is disabled once: the second time does nothing and writes nothing', async () => {
    await disable(ann)
    const before = await listEvents(ann)
    await disable(ann)
    assert.deepEqual(await listEvents(ann), before)
    assert.equal(before.filter(event => event === 'user.disabled').length, 1)
  })

  test('who is enabled again signs in anew, and what was ended stays ended', async () => {
    await disable(ann)
    await enableUser(t.engine, { userId: ann, origin })
    const anew = await signInAs(t.engine, ann)
    assert.deepEqual([await open(session), await refresh(session)], [401, 401])
    assert.deepEqual([await open(anew), await refresh(anew)], [200, 200])
  })

  test('disabled again after that loses the new session as well, and only then', async () => {
    await disable(ann)
    await enableUser(t.engine, { userId: ann, origin })
    const anew = await signInAs(t.engine, ann)
    await disable(ann)
    for (const held of [session, anew]) assert.equal(await open(held), 401)
  })

  test('enabling one who is enabled does nothing and writes nothing', async () => {
    const before = await listEvents(ann)
    await enableUser(t.engine, { userId: ann, origin })
    assert.deepEqual(await listEvents(ann), before)
    assert.equal(await open(session), 200)
  })
})

describe('a user made by an administrator', () => {
  let root: SignedIn
  beforeEach(async () => {
    await add('other-root', 'admin')
    root = await signInAs(t.engine, await add('root', 'admin'))
  })
  const create = (body: object) => t.call('POST', 'users', { token: root.access, body })
  const make = (caller: SignedIn | undefined, hash = t.engine.hasher.hash) =>
    createUser(
      { ...t.engine, hasher: { ...t.engine.hasher, hash } },
      { username: 'helper', password, roles: ['admin'] },
      origin,
      caller,
    )

  test('may have roles and a reserved name', async () => {
    const { status, body } = await create({ username: 'support', password, roles: ['moderator'] })
    assert.deepEqual([status, body.roles], [201, ['moderator']])
  })

  test('is a plain user where no roles are named', async () => {
    assert.deepEqual((await create({ username: 'plain', password })).body.roles, ['user'])
  })

  test('is not made where the administrator signed in long ago', async () => {
    t.clock.advance(11 * 60_000)
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: root.refresh } })
    root = { ...root, access: body.access_token }
    const refused = await create({ username: 'late', password, roles: ['user'] })
    assert.deepEqual([refused.status, refused.body.code], [401, 'insufficient_user_authentication'])
  })

  const meanwhile: Record<string, { readonly act: () => Promise<unknown>; readonly code: string }> = {
    'was demoted': { act: () => demote(root.userId), code: 'insufficient_permission' },
    'was disabled': { act: () => disable(root.userId), code: 'session_ended' },
    'signed out': {
      act: () => t.call('POST', 'logout', { token: root.access }),
      code: 'session_ended',
    },
    'lost the role by hand in the database': {
      act: () => inTransaction(t.engine.db, work => replaceRoles(t.engine, work, root.userId, ['user'])),
      code: 'insufficient_permission',
    },
  }
  for (const [name, { act, code }] of Object.entries(meanwhile))
    test(`is not made where the administrator ${name} while the password was hashed`, async () => {
      const slow: typeof t.engine.hasher.hash = async shown => {
        const hash = await t.engine.hasher.hash(shown)
        await act()
        return hash
      }
      await assert.rejects(make(root, slow), { code })
      const users = await t.engine.db.selectFrom('users').select('username').execute()
      assert.ok(!users.some(({ username }) => username === 'helper'))
    })

  test('may be made by the command line, which has no session', async () => {
    const { id } = await createUser(
      t.engine,
      { username: 'cli', password, roles: ['admin'] },
      commandLineOrigin,
    )
    assert.deepEqual(await rolesOf(id), ['admin'])
  })

  test('gets no name that is taken', async () => {
    await make(undefined)
    await assert.rejects(make(undefined), { code: 'username_taken' })
  })
})

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { role } from 'gatewright/access'
import { changeRoles, createUser, disableUser } from 'gatewright/administration'
import type { Application } from 'gatewright/app'
import { hour } from 'gatewright/clock'
import {
  changeRole,
  createRole,
  deleteRole,
} from '../../packages/gatewright/src/administration/change-role.ts'
import { invite } from '../../packages/gatewright/src/administration/invitations.ts'
import { getRole, listAllRoles } from '../../packages/gatewright/src/administration/roles.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { password } from '../harness.ts'
import { freshName } from '../senders.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'
import { declared, type OpenedApp, useOwnApplication } from './own-application.ts'

const t = useOwnApplication()

let made = 0
const freshRole = (): string => `made-${++made}`
const make = async (...permissions: readonly string[]): Promise<string> =>
  (await createRole(t.engine, { name: freshRole(), description: '', permissions }, origin)).name
const redefine = (name: string, ...permissions: readonly string[]) =>
  changeRole(t.engine, { name, permissions, origin })

const statusOf = async (
  { app }: Pick<OpenedApp, 'app'>,
  { access }: SignedIn,
  method: 'GET' | 'POST' = 'GET',
) => {
  const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' }
  const body = method === 'POST' ? { body: '{}' } : {}
  return (await app.inject({ method, url: '/reports', headers, ...body })).statusCode
}

const everyRole = async () => ({
  roles: await t.engine.db.selectFrom('roles').select(['name', 'description']).orderBy('name').execute(),
  permissions: await t.engine.db.selectFrom('role_permissions').selectAll().orderBy('role').execute(),
  cutOffs: await t.engine.db
    .selectFrom('cut_offs')
    .select('place')
    .where('kind', '=', 'reread-roles')
    .execute(),
})

const refusesAll = async (code: string, ...calls: readonly (() => Promise<unknown>)[]): Promise<void> => {
  const was = await everyRole()
  for (const call of calls) await assert.rejects(call, { code })
  assert.deepEqual(await everyRole(), was)
}

describe('a role can not be made', () => {
  const asked = (name: string, ...permissions: readonly string[]) =>
    createRole(t.engine, { name, description: '', permissions }, origin)

  for (const name of [
    '',
    'Capital',
    'two words',
    '9lives',
    'under_score',
    'ümlaut',
    'a'.repeat(33),
    '__proto__',
    '-',
  ])
    test(`that is called ${JSON.stringify(name)}`, () => refusesAll('validation_failed', () => asked(name)))

  for (const name of ['user', 'moderator', 'admin', 'analyst', 'keeper'])
    test(`in place of ${name}, which stands in code`, () =>
      refusesAll('conflict', () => asked(name, 'users:read')))

  test('twice, also at once', async () => {
    const name = freshRole()
    const calls = Array.from({ length: 4 }, () =>
      asked(name, 'users:read').then(
        () => 'made',
        error => error.code,
      ),
    )
    assert.deepEqual((await Promise.all(calls)).sort(), ['conflict', 'conflict', 'conflict', 'made'])
  })

  for (const permission of ['reports:raed', '', '*', 'Reports:read', 'constructor', 'reports'])
    test(`of the permission ${JSON.stringify(permission)}, which nobody declared, and is told which`, async () => {
      await refusesAll('validation_failed', () => asked(freshRole(), 'users:read', permission))
      await assert.rejects(asked(freshRole(), permission), (error: { details?: object }) =>
        JSON.stringify(error.details).includes(JSON.stringify(JSON.stringify(permission)).slice(1, -1)),
      )
    })
})

describe('a role can not be changed or deleted', () => {
  for (const name of ['user', 'moderator', 'admin', 'analyst'])
    test(`that stands in code: ${name}`, () =>
      refusesAll(
        'conflict',
        () => redefine(name, 'users:read'),
        () => deleteRole(t.engine, { name, origin }),
      ))

  for (const name of ['nobody', 'constructor', '__proto__', ''])
    test(`that there is not: ${JSON.stringify(name)}`, () =>
      refusesAll(
        'not_found',
        () => redefine(name, 'users:read'),
        () => deleteRole(t.engine, { name, origin }),
      ))

  test('to what nobody declared', async () => {
    const name = await make('reports:read')
    await refusesAll('validation_failed', () => redefine(name, 'reports:read', 'reports:raed'))
  })

  test('deleted while somebody has it, be it a disabled one, and then it can', async () => {
    const name = await make('reports:read')
    const userId = await t.newUser(name)
    await disableUser(t.engine, { userId, origin })
    await refusesAll('conflict', () => deleteRole(t.engine, { name, origin }))
    await changeRoles(t.engine, { userId, roles: [], origin })
    await deleteRole(t.engine, { name, origin })
    await assert.rejects(getRole(t.engine, name), { code: 'not_found' })
    await assert.rejects(changeRoles(t.engine, { userId, roles: [name], origin }), {
      code: 'validation_failed',
    })
  })
})

describe('no way up', () => {
  const nobody = 'insufficient_permission'
  let keeper: SignedIn
  beforeEach(async () => {
    keeper = await t.signIn('keeper', 'analyst')
  })

  test('who may not administer roles makes, changes and deletes none', async () => {
    const name = await make('reports:read')
    const caller = await t.signIn('helpdesk', 'editor')
    await refusesAll(
      nobody,
      () => createRole(t.engine, { name: freshRole(), description: '', permissions: [] }, origin, caller),
      () => changeRole(t.engine, { name, permissions: [], origin }, caller),
      () => changeRole(t.engine, { name, description: 'mine', origin }, caller),
      () => deleteRole(t.engine, { name, origin }, caller),
    )
  })

  test('nobody makes a role of what they have not', () =>
    refusesAll(
      nobody,
      ...['reports:write', 'users:write', 'audit:read'].map(
        permission => () =>
          createRole(
            t.engine,
            { name: freshRole(), description: '', permissions: ['reports:read', permission] },
            origin,
            keeper,
          ),
      ),
    ))

  test('nobody puts into a role what they have not, the own one neither', async () => {
    const name = await make('reports:read')
    const own = await t.signIn('keeper', 'analyst', name)
    await refusesAll(
      nobody,
      () => changeRole(t.engine, { name, permissions: ['reports:read', 'reports:write'], origin }, keeper),
      () => changeRole(t.engine, { name, permissions: ['reports:write'], origin }, own),
    )
  })

  test('nobody takes out of a role what they have not, nor renames or deletes what allows it', async () => {
    const name = await make('reports:read', 'reports:write')
    await refusesAll(
      nobody,
      () => changeRole(t.engine, { name, permissions: ['reports:read'], origin }, keeper),
      () => changeRole(t.engine, { name, description: 'harmless', origin }, keeper),
      () => deleteRole(t.engine, { name, origin }, keeper),
    )
  })

  test('nobody gives or takes a role that was made and allows more', async () => {
    const name = await make('reports:read', 'audit:read')
    const helen = await t.signIn('helpdesk', 'editor')
    const userId = await t.newUser()
    const holder = await t.newUser(name)
    const made = { username: freshName(), password, roles: [name] }
    for (const call of [
      () => changeRoles(t.engine, { userId, roles: [name], origin }, helen),
      () => changeRoles(t.engine, { userId: holder, roles: [], origin }, helen),
      () => createUser(t.engine, made, origin, helen),
      () => invite(t.engine, { email: 'new@example.org', roles: [name] }, origin, helen),
    ])
      await assert.rejects(call, { code: nobody })
    assert.deepEqual([await t.rolesOf(userId), await t.rolesOf(holder)], [[], [name]])
  })

  test('a role that allows more since this process has read it is judged as it is', async () => {
    const other = await t.open()
    const name = await make('reports:read')
    await other.engine.revocations.readFromNow()
    const helen = await t.signIn('helpdesk', 'editor')
    const userId = await t.newUser()
    // What the other process keeps is old: it has not heard yet.
    await t.engine.db
      .insertInto('role_permissions')
      .values({ role: name, permission: 'audit:read' })
      .execute()
    assert.ok(!other.engine.roleTable.administrative.has(name))
    await assert.rejects(changeRoles(other.engine, { userId, roles: [name], origin }, helen), {
      code: nobody,
    })
  })

  test('once the session has ended nothing is made, changed or deleted', async () => {
    const name = await make('reports:read')
    await disableUser(t.engine, { userId: keeper.userId, origin })
    await refusesAll(
      'session_ended',
      () => createRole(t.engine, { name: freshRole(), description: '', permissions: [] }, origin, keeper),
      () => changeRole(t.engine, { name, permissions: [], origin }, keeper),
      () => deleteRole(t.engine, { name, origin }, keeper),
    )
  })

  test('whoever has every permission of it makes, changes, gives and deletes a role', async () => {
    const name = freshRole()
    const all = await t.signIn('keeper', 'helpdesk', 'analyst')
    const { kind } = await createRole(
      t.engine,
      { name, description: 'first', permissions: ['reports:read', 'reports:read'] },
      origin,
      all,
    )
    assert.equal(kind, 'made')
    const userId = await t.newUser()
    await changeRoles(t.engine, { userId, roles: [name], origin }, all)
    const { permissions, holders, description } = await changeRole(
      t.engine,
      { name, permissions: ['users:read'], origin },
      all,
    )
    assert.deepEqual(
      { permissions, holders, description },
      { permissions: ['users:read'], holders: 1, description: 'first' },
    )
    await changeRoles(t.engine, { userId, roles: [], origin }, all)
    await deleteRole(t.engine, { name, origin }, all)
  })
})

describe('what a role allows', () => {
  test('is allowed at once, and no longer at once, to a token from before', async () => {
    const name = await make('users:read')
    const ann = await t.signIn(name)
    assert.equal(await statusOf(t, ann), 403)
    await redefine(name, 'reports:read')
    assert.equal(await statusOf(t, ann), 200)
    assert.equal(await statusOf(t, ann, 'POST'), 403)
    await redefine(name, 'reports:write')
    assert.equal(await statusOf(t, ann), 403)
    assert.equal(await statusOf(t, ann, 'POST'), 200)
  })

  test('is as it is for a token whose roles are read again', async () => {
    const name = await make('users:read')
    const ann = await t.signIn()
    await changeRoles(t.engine, { userId: ann.userId, roles: [name], origin })
    assert.equal(await statusOf(t, ann), 403)
    await redefine(name, 'reports:read')
    assert.equal(await statusOf(t, ann), 200)
    await redefine(name)
    assert.equal(await statusOf(t, ann), 403)
  })

  test('is the same in another process once it has read the feed', async () => {
    const other = await t.open()
    const name = await make('reports:read')
    const ann = await t.signIn(name)
    await other.engine.revocations.readFromNow()
    assert.equal(await statusOf(other, ann), 200)
    await redefine(name)
    await other.engine.revocations.readFromNow()
    assert.equal(await statusOf(other, ann), 403)
  })

  test('is read anew by a process that has heard nothing for longer than a cut-off matters', async () => {
    const other = await t.open()
    const name = await make('reports:read')
    const ann = await t.signIn(name)
    await other.engine.revocations.readFromNow()
    assert.equal(await statusOf(other, ann), 200)
    await redefine(name)
    await t.engine.db.deleteFrom('cut_offs').where('kind', '=', 'reread-roles').execute()
    t.clock.advance(hour / 10)
    await other.engine.revocations.readFromNow()
    assert.equal(await statusOf(other, ann), 403)
  })

  test('is known to a process that starts, before anything else', async () => {
    const name = await make('reports:read')
    const ann = await t.signIn(name)
    await redefine(name)
    assert.equal(await statusOf(await t.open(), ann), 403)
  })

  test('is not what nobody declares any more, which is shown as such', async () => {
    const name = await make('reports:read', 'users:read')
    const ann = await t.signIn(name)
    const without = await t.open({}, { plugin: async () => {}, permissions: {}, roles: {} })
    const role = await getRole(without.engine, name)
    assert.deepEqual([role.permissions, role.undeclared], [['users:read'], ['reports:read']])
    assert.deepEqual(without.engine.roleTable.roles.get(name), ['users:read'])
    const { permissions } = await getRole(t.engine, name)
    assert.deepEqual(permissions, ['reports:read', 'users:read'])
    assert.equal(await statusOf(t, ann), 200)
    await t.open()
  })
})

describe('while it can not be read what roles allow', () => {
  test('nobody is let in by what was read before: 503, and again when it can', async () => {
    const name = await make('reports:read')
    const ann = await t.signIn(name)
    assert.equal(await statusOf(t, ann), 200)
    const { schema } = t.engine.db
    await schema.alterTable('role_permissions').renameTo('role_permissions_away').execute()
    t.engine.roleTable.reread()
    assert.equal(await statusOf(t, ann), 503)
    await schema.alterTable('role_permissions_away').renameTo('role_permissions').execute()
    assert.equal(await statusOf(t, ann), 200)
  })
})

describe('a role that makes administrators from now on', () => {
  const open = async (...roles: readonly string[]): Promise<SignedIn> => {
    const held = await t.signIn(...roles)
    t.clock.advance(2 * hour)
    return held
  }
  const isLive = async ({ sessionId }: SignedIn): Promise<boolean> => {
    const row = await t.engine.db
      .selectFrom('sessions')
      .select('ended_at')
      .where('id', '=', sessionId)
      .executeTakeFirst()
    return row?.ended_at === null
  }

  test('ends the sessions of its holders that are too old for one, and no other', async () => {
    const name = await make('users:read')
    const [old, other, plain] = [await open(name), await open(name, 'user'), await open('user')]
    const young = await t.signIn(name)
    await redefine(name, 'audit:read')
    const live = await Promise.all([old, other, plain, young].map(isLive))
    assert.deepEqual(live, [false, false, true, true])
  })

  test('changes nothing of sessions where it allows nothing administrative', async () => {
    const name = await make('users:read')
    const old = await open(name)
    await redefine(name, 'reports:write')
    assert.ok(await isLive(old))
  })

  test('is one for sessions that begin after it, in every process', async () => {
    const other = await t.open()
    const name = await make('users:read')
    await redefine(name, 'audit:read')
    await other.engine.revocations.readFromNow()
    for (const { roleTable } of [t.engine, other.engine]) {
      await roleTable.ensureRead()
      assert.ok(roleTable.administrative.has(name))
    }
  })
})

test('a start is refused that declares a role which an administrator made', async () => {
  const name = await make('users:read')
  const roles = { [name]: ['users:read'] } as const
  await assert.rejects(t.open({}, { roles }), new RegExp(`the role ${name} of "roles" was made at run time`))
})

test('no route hangs on a role that was made at run time: its start is refused, and the deletion stops none', async () => {
  const name = await make('users:read')
  const gate = { access: role(name), limit: 'read', audit: 'none' } as const
  const plugin: Application['plugin'] = async app => {
    app.get('/books', { config: { gate } }, async () => ({ books: [] }))
  }
  const asksForIt = () => t.open({}, { plugin })
  await assert.rejects(
    asksForIt,
    /GET \/books names the role made-\d+, which an administrator made at run time and may delete: ask for a permission/,
  )
  await deleteRole(t.engine, { name, origin })
  await assert.rejects(
    asksForIt,
    /which nobody declared: declare it .* or write one of user, moderator, admin, [a-z, ]+$/,
  )
  await t.open({}, { plugin, roles: { ...declared.roles, [name]: [] } })
  // Noted as declared by that start; the one of this file notes its own again.
  await t.open()
})

test('the list shows every role with its kind, what it allows, and how many have it', async () => {
  const name = await make('reports:write', 'reports:read')
  await t.newUser(name)
  const roles = await listAllRoles(t.engine)
  const kinds = new Map(roles.map(role => [role.name, role.kind]))
  assert.equal(kinds.get('admin'), 'built-in')
  assert.equal(kinds.get('analyst'), 'declared')
  const role = roles.find(one => one.name === name)
  assert.deepEqual(
    [role?.kind, role?.permissions, role?.holders],
    ['made', ['reports:read', 'reports:write'], 1],
  )
})

const rounds = 10
const outcomeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )

describe('at once', () => {
  test('a role is given and deleted: never both', async () => {
    for (let round = 0; round < rounds; round++) {
      const [name, userId] = [await make('users:read'), await t.newUser()]
      const calls = [
        () => changeRoles(t.engine, { userId, roles: [name], origin }),
        () => deleteRole(t.engine, { name, origin }),
      ]
      const outcomes = await Promise.all(
        (round % 2 ? calls.toReversed() : calls).map(call => outcomeOf(call())),
      )
      assert.equal(outcomes.filter(outcome => outcome === 'done').length, 1, outcomes.join())
      const exists = (await listAllRoles(t.engine)).some(role => role.name === name)
      assert.equal((await t.rolesOf(userId)).includes(name), exists)
    }
  })

  test('a user is made with a role that is deleted: never both', async () => {
    for (let round = 0; round < 4; round++) {
      const name = await make('users:read')
      const made = { username: freshName(), password, roles: [name] }
      const calls = [createUser(t.engine, made, origin), deleteRole(t.engine, { name, origin })]
      const outcomes = await Promise.all(calls.map(outcomeOf))
      assert.equal(outcomes.filter(outcome => outcome === 'done').length, 1, outcomes.join())
    }
  })

  test('a role is widened while somebody gives it who may give what it was: never the wider one', async () => {
    for (let round = 0; round < rounds; round++) {
      const [name, userId] = [await make('users:read'), await t.newUser()]
      const helen = await t.signIn('helpdesk')
      const calls = [
        () => changeRoles(t.engine, { userId, roles: [name], origin }, helen),
        () => redefine(name, 'audit:read'),
      ]
      const outcomes = await Promise.all(
        (round % 2 ? calls.toReversed() : calls).map(call => outcomeOf(call())),
      )
      const [given, widened] = round % 2 ? outcomes.toReversed() : outcomes
      assert.equal(widened, 'done')
      assert.ok(given === 'done' || given === 'insufficient_permission', outcomes.join())
      // Given first, it was given as it was, and widened by one who may.
      assert.equal((await t.rolesOf(userId)).includes(name), given === 'done')
    }
  })

  test('two keepers take from each other what they change roles by: one of them does', async () => {
    for (let round = 0; round < rounds; round++) {
      const [one, other] = [
        await make('roles:write', 'reports:read'),
        await make('roles:write', 'reports:read'),
      ]
      const [ann, ben] = [await t.signIn(one), await t.signIn(other)]
      const calls = [
        () => changeRole(t.engine, { name: other, permissions: [], origin }, ann),
        () => changeRole(t.engine, { name: one, permissions: [], origin }, ben),
      ]
      const outcomes = await Promise.all(
        (round % 2 ? calls.toReversed() : calls).map(call => outcomeOf(call())),
      )
      assert.deepEqual(outcomes.sort(), ['done', 'insufficient_permission'])
    }
  })

  test('a role is changed by many: what is left is one of what they asked for, in every process', async () => {
    const name = await make()
    const other = await t.open()
    const asked = [['users:read'], ['reports:read'], ['reports:write'], ['users:read', 'reports:read']]
    await Promise.all(
      asked.map((permissions, at) => changeRole((at % 2 ? t : other).engine, { name, permissions, origin })),
    )
    const { permissions } = await getRole(t.engine, name)
    assert.ok(asked.some(list => list.toSorted().join() === permissions.join()))
    const ann = await signInAs(t.engine, (await addUser(t.engine, freshName(), { roles: [name] })).id)
    for (const app of [t, other]) {
      await app.engine.revocations.readFromNow()
      assert.equal(await statusOf(app, ann), permissions.includes('reports:read') ? 200 : 403)
    }
  })
})

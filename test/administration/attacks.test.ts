import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { role } from 'gatewright/access'
import { changeRoles, createUser, disableUser } from 'gatewright/administration'
import type { Application } from 'gatewright/app'
import { changeRole, createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { invite, revokeInvitation } from '../../packages/gatewright/src/administration/invitations.ts'
import { listAdministrators } from '../../packages/gatewright/src/administration/list-administrators.ts'
import { createService } from '../../packages/gatewright/src/administration/services.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { lockUser } from '../../packages/gatewright/src/users/users.ts'
import { testsDatabase } from '../environment.ts'
import { password } from '../harness.ts'
import { freshName } from '../senders.ts'
import { declared, type OpenedApp, useOwnApplication } from './own-application.ts'

const t = useOwnApplication()
const nobody = { code: 'insufficient_permission' }

type Caller = { readonly userId: string; readonly sessionId: string }

/** Whatever gives a role, or changes who has it. */
const waysUp = ({ engine }: Pick<OpenedApp, 'engine'>, caller: Caller, name: string, holder: string) => [
  async () =>
    changeRoles(
      engine,
      { userId: caller.userId, roles: [...(await t.rolesOf(caller.userId)), name], origin },
      caller,
    ),
  () => changeRoles(engine, { userId: holder, roles: [], origin }, caller),
  () => createUser(engine, { username: freshName(), password, roles: [name] }, origin, caller),
  () => invite(engine, { email: `${freshName()}@example.org`, roles: [name] }, origin, caller),
  () => disableUser(engine, { userId: holder, origin }, caller),
]

describe('a role that allows nothing here, and something elsewhere, is no way up', () => {
  test('of what a newer version of the application declares, beside which this one still runs', async () => {
    const { name } = await createRole(
      t.engine,
      { name: 'payer', description: '', permissions: ['reports:write'] },
      origin,
    )
    const { permissions, roles } = declared
    const older = await t.open(
      {},
      {
        plugin: async () => {},
        permissions: { 'reports:read': permissions?.['reports:read'] ?? '' },
        roles: { helpdesk: roles?.helpdesk ?? [] },
      },
    )
    const [helen, holder] = [await t.signIn('helpdesk'), await t.newUser(name)]
    for (const way of waysUp(older, helen, name, holder)) await assert.rejects(way, nobody)
    assert.deepEqual([await t.rolesOf(helen.userId), await t.rolesOf(holder)], [['helpdesk'], [name]])
    const peer = await t.signIn('helpdesk', name)
    for (const way of waysUp(older, peer, name, holder)) await way()
    const chief = await t.signIn('admin')
    for (const way of waysUp(older, chief, name, await t.newUser(name))) await way()
    await t.open()
  })

  test('of a role that a newer version declares otherwise, or alone', async () => {
    const { permissions, roles } = declared
    const older = await t.open(
      {},
      {
        plugin: async () => {},
        ...(permissions && { permissions }),
        roles: { helpdesk: roles?.helpdesk ?? [], editor: [] },
      },
    )
    await t.open()
    const [helen, holder] = [await t.signIn('helpdesk'), await t.newUser('editor')]
    for (const way of waysUp(older, helen, 'editor', holder)) await assert.rejects(way, nobody)
    const keeper = await t.newUser('keeper')
    await assert.rejects(disableUser(older.engine, { userId: keeper, origin }, helen), nobody)
    const peer = await t.signIn('helpdesk', 'editor')
    for (const way of waysUp(older, peer, 'editor', holder)) await way()
  })

  test('of what routes ask for by its name', async () => {
    const gate = { access: role('auditor'), limit: 'read', audit: 'none' } as const
    const plugin: Application['plugin'] = async app => {
      app.get('/books', { config: { gate } }, async () => ({ books: [] }))
    }
    const roles = { ...declared.roles, auditor: [], plain: [] }
    const opened = await t.open({}, { ...declared, plugin, roles })
    const [helen, holder] = [await t.signIn('helpdesk'), await t.newUser('auditor')]
    for (const way of waysUp(opened, helen, 'auditor', holder)) await assert.rejects(way, nobody)
    for (const way of waysUp(opened, helen, 'plain', await t.newUser('plain'))) await way()
    const peer = await t.signIn('helpdesk', 'auditor')
    for (const way of waysUp(opened, peer, 'auditor', holder)) await way()
    await t.open()
  })

  test('of what is declared later: that, an administrator alone will have', async () => {
    const all = [...t.engine.roleTable.permissions.keys()]
    await createRole(t.engine, { name: 'nearly', description: '', permissions: all }, origin)
    const [ann, chief] = [await t.signIn('nearly'), await t.newUser('admin')]
    for (const way of waysUp(t, ann, 'admin', chief)) await assert.rejects(way, nobody)
    for (const way of waysUp(t, ann, 'keeper', await t.newUser('keeper'))) await way()
  })
})

describe('who may give less', () => {
  const openTo = (address: string) =>
    t.engine.db.selectFrom('codes').select('id').where('address_key', '=', address).execute()

  test('neither replaces nor takes back an invitation to more', async () => {
    const [helen, chief] = [await t.signIn('helpdesk'), await t.signIn('admin')]
    const email = 'next-chief@example.org'
    const { id } = await invite(t.engine, { email, roles: ['admin'] }, origin, chief)
    await assert.rejects(invite(t.engine, { email, roles: ['user'] }, origin, helen), nobody)
    await assert.rejects(revokeInvitation(t.engine, { id, origin, caller: helen }), nobody)
    assert.deepEqual(await openTo(email), [{ id }])
    const other = await invite(t.engine, { email, roles: ['user'] }, origin, chief)
    assert.deepEqual(await openTo(email), [{ id: other.id }])
    await revokeInvitation(t.engine, { id: other.id, origin, caller: helen })
    assert.deepEqual(await openTo(email), [])
  })

  test('is told that, and not that somebody is the last administrator', async () => {
    const last = await t.newUser('admin')
    await t.engine.db
      .deleteFrom('user_roles')
      .where('role', '=', 'admin')
      .where('user_id', '!=', last)
      .execute()
    const helen = await t.signIn('helpdesk')
    await assert.rejects(deleteUser(t.engine, { userId: last, origin }, helen), nobody)
  })
})

test('an administrator who has no way in yet does not stand in for the last who has', async () => {
  const [chief, next] = [await t.signIn('admin'), await t.newUser('admin')]
  await t.engine.db
    .deleteFrom('user_roles')
    .where('role', '=', 'admin')
    .where('user_id', 'not in', [chief.userId, next])
    .execute()
  const setNext = (way: object) => t.engine.db.updateTable('users').set(way).where('id', '=', next).execute()
  await setNext({ password_hash: null, email_verified_at: null })
  const last = { code: 'last_administrator' }
  await assert.rejects(deleteUser(t.engine, { userId: chief.userId, origin }, chief), last)
  await assert.rejects(disableUser(t.engine, { userId: chief.userId, origin }), last)
  await assert.rejects(changeRoles(t.engine, { userId: chief.userId, roles: ['user'], origin }), last)
  await setNext({ email_verified_at: 1 })
  await deleteUser(t.engine, { userId: chief.userId, origin }, chief)
})

test('after a restore whoever is an administrator again is named, by whatever role, and nobody else', async () => {
  const held = ['keeper', 'user', 'helpdesk', 'analyst'] as const
  const ids = await Promise.all(held.map(role => t.newUser(role)))
  const nameOf = async (id: string | undefined): Promise<string> =>
    (
      await t.engine.db
        .selectFrom('users')
        .select('username')
        .where('id', '=', id ?? '')
        .executeTakeFirstOrThrow()
    ).username
  const [keeper, user, helpdesk, analyst] = await Promise.all(ids.map(nameOf))
  const { name } = await createService(t.engine, { name: freshName(), roles: ['keeper'] }, origin)
  await disableUser(t.engine, { userId: ids[2] ?? '', origin })
  const named = new Set(await listAdministrators(t.engine))
  assert.deepEqual(
    [keeper, name, user, helpdesk, analyst].map(each => named.has(each ?? '')),
    [true, true, false, false, false],
  )
})

test('a name that users kept from an application is not made a role that they silently have', async () => {
  const userId = await t.newUser('user', 'bygone')
  const made = { name: 'bygone', description: '', permissions: ['audit:read'] }
  await assert.rejects(createRole(t.engine, made, origin), { code: 'conflict' })
  await changeRoles(t.engine, { userId, roles: ['user'], origin })
  assert.equal((await createRole(t.engine, made, origin)).holders, 0)
})

test('who changes or deletes a role without need waits for none of its holders', async () => {
  const { name } = await createRole(
    t.engine,
    { name: 'crowd', description: '', permissions: ['users:read'] },
    origin,
  )
  const { userId } = await t.signIn(name)
  const change = () => changeRole(t.engine, { name, description: 'many', permissions: [], origin })
  await inTransaction(t.engine.db, async work => {
    await lockUser(work, userId)
    // SQLite has one writer: who changes anything waits for every other.
    if (testsDatabase.kind === 'postgres') await change()
  })
  assert.equal((await change()).holders, 1)
})

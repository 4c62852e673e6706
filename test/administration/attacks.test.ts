import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { role } from 'gatewright/access'
import { changeRoles, createUser, disableUser } from 'gatewright/administration'
import type { Application } from 'gatewright/app'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { invite } from '../../packages/gatewright/src/administration/invitations.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
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
  () => invite(engine, { email: 'new@example.org', roles: [name] }, origin, caller),
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

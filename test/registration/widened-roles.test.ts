import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Permission } from 'gatewright/access'
import { changeRoles } from 'gatewright/administration'
import type { Application } from 'gatewright/app'
import { defaultSettings, type Settings } from 'gatewright/settings'
import { type Invitation, invite } from '../../packages/gatewright/src/administration/invitations.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { acceptInvitation } from '../../packages/gatewright/src/sign-in/accept-invitation.ts'
import { openTestApp } from '../../packages/gatewright/src/testing/open-test-app.ts'
import type { User } from '../../packages/gatewright/src/users/users.ts'
import { newTestDatabase } from '../database.ts'
import { createFakeClock, password } from '../harness.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { readInvitation } from './invite-to.ts'

const permissions = { 'reports:read': 'read reports' }
const analyst = ['reports:read'] as unknown as readonly Permission[]
const helpdesk: readonly Permission[] = ['users:write']

type Opened = Awaited<ReturnType<typeof openTestApp>>
let database: Awaited<ReturnType<typeof newTestDatabase>>
let settings: Settings
const clock = createFakeClock()
const opened: Opened[] = []
beforeEach(async () => {
  database = await newTestDatabase()
  settings = defaultSettings({
    nodeEnv: 'test',
    databaseUrl: database.url,
    gatewrightSecret: ['A'.repeat(43)],
    limitsScale: 1_000,
  })
})
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close()
  await database.drop()
})

/** An application of the same installation, with these roles. */
const open = async (roles: NonNullable<Application['roles']>): Promise<Opened> => {
  const application = { plugin: async () => {}, permissions, roles }
  const app = await openTestApp({ settings, clock, subject: { application } })
  opened.push(app)
  return app
}

const newInviter = async ({ engine }: Opened, ...roles: readonly string[]) => {
  const { id } = await addUser(engine, 'inviter', { roles })
  return signInAs(engine, id)
}

type Inviter = Awaited<ReturnType<typeof newInviter>>
const email = 'carol@example.org'

const inviteAs = ({ engine }: Opened, inviter: Inviter, ...roles: readonly string[]): Promise<Invitation> =>
  invite(engine, { email, roles }, origin, inviter)

const tokenFrom = (app: Opened) => readInvitation(app, email)
const accept = ({ engine }: Opened, invitation: string): Promise<User> =>
  acceptInvitation(engine, { invitation, username: 'carol', password }, origin)

const nobody = (error: { readonly code?: string }): boolean => error.code === 'insufficient_permission'
const invalid = (error: { readonly code?: string }): boolean => error.code === 'invalid_link'

describe('widened roles', () => {
  test('nobody invites with a role that allows what the inviter may not do', async () => {
    const app = await open({ analyst, helpdesk })
    const inviter = await newInviter(app, 'helpdesk')
    for (const role of ['analyst', 'admin']) await assert.rejects(inviteAs(app, inviter, role), nobody)
    assert.deepEqual((await inviteAs(app, inviter, 'user')).roles, ['user'])
    await inviteAs(app, inviter, 'helpdesk')
    const { roles } = await accept(app, await tokenFrom(app))
    assert.deepEqual(roles, ['helpdesk'])
  })

  test('nobody is given what the inviter lost, though the inviter still invites', async () => {
    const app = await open({ analyst, helpdesk })
    const inviter = await newInviter(app, 'helpdesk', 'analyst')
    await inviteAs(app, inviter, 'analyst')
    await changeRoles(app.engine, { userId: inviter.userId, roles: ['helpdesk'], origin })
    const token = await tokenFrom(app)
    await assert.rejects(accept(app, token), invalid)
  })

  test('nobody comes in by one who may no longer invite, though the inviter has the role', async () => {
    const app = await open({ analyst, helpdesk })
    const inviter = await newInviter(app, 'helpdesk', 'analyst')
    await inviteAs(app, inviter, 'analyst')
    await changeRoles(app.engine, { userId: inviter.userId, roles: ['analyst'], origin })
    const token = await tokenFrom(app)
    await assert.rejects(accept(app, token), invalid)
  })

  test('nobody is given a role that allows more by now than its inviter may do', async () => {
    const lead = [...helpdesk, ...analyst]
    const before = await open({ analyst, lead })
    await inviteAs(before, await newInviter(before, 'lead'), 'analyst')
    const token = await tokenFrom(before)
    const after = await open({ analyst: [...analyst, 'audit:read'], lead })
    await assert.rejects(accept(after, token), invalid)
  })

  test('nobody is given a role that is no longer declared', async () => {
    const before = await open({ analyst, helpdesk })
    const inviter = await newInviter(before, 'admin')
    await inviteAs(before, inviter, 'analyst')
    const token = await tokenFrom(before)
    await assert.rejects(accept(await open({ helpdesk }), token), invalid)
  })
})

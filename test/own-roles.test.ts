import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Permission, permission } from 'gatewright/access'
import { changeRoles, createUser } from 'gatewright/administration'
import { type App, type Application, createApp } from 'gatewright/app'
import { hour } from 'gatewright/clock'
import { compose, type Engine } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { pino } from 'pino'
import { blog } from '../apps/blog/src/blog.ts'
import { systemOrigin } from '../packages/gatewright/src/audit/record.ts'
import { listDeclaredRoles } from '../packages/gatewright/src/permissions/declared-roles.ts'
import { createRoleTable, permissionsOf } from '../packages/gatewright/src/permissions/roles.ts'
import { parsePassword } from '../packages/gatewright/src/users/password.ts'
import { createPasswordHasher } from '../packages/gatewright/src/users/password-hasher.ts'
import { password } from './harness.ts'
import { addUser, signInAs } from './sessions/signed-in.ts'

const user = ['posts:write', 'todos:read', 'todos:write', 'users:read']

/** As the contract names them. */
const ofContract: Readonly<Record<string, readonly string[]>> = {
  user,
  moderator: ['posts:moderate', ...user],
  admin: [
    ...['api-keys:write', 'audit:read', 'clients:write', 'metrics:read', 'posts:moderate', 'posts:write'],
    ...['revocations:read', 'roles:write', 'sessions:write', 'settings:read', 'signing-keys:write'],
    ...['todos:read', 'todos:write', 'users:read', 'users:write'],
  ],
}

test('behind the blog each role has exactly the permissions of the contract, and there are no others', () => {
  const table = createRoleTable(blog)
  const allowed = [...table.roles.keys()].map(role => [role, [...permissionsOf(table, [role])].sort()])
  assert.deepEqual(Object.fromEntries(allowed), ofContract)
})

/** As a caller without types may write it, and as the blog's types don't know it. */
const toDeclaration = (declaration: object): Pick<Application, 'permissions' | 'roles'> => declaration
const reportsRead = 'reports:read' as Permission
const reports = toDeclaration({
  permissions: { 'reports:read': 'read reports' },
  roles: { analyst: ['reports:read'], helpdesk: ['users:write'] },
})

let folder: string
let opened: (() => Promise<unknown>)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewright-roles-'))
  opened = []
})
afterEach(async () => {
  for (const close of opened.reverse()) await close()
  rmSync(folder, { recursive: true })
})

const settings = () =>
  defaultSettings({ databaseUrl: `sqlite:${join(folder, 'test.db')}`, publicUrl: 'http://localhost:1' })

const open = async (declaration?: Pick<Application, 'permissions' | 'roles'>): Promise<Engine> => {
  const engine = await compose({
    settings: settings(),
    durability: 'off',
    ...(declaration && { declaration }),
  })
  opened.push(engine.close)
  return engine
}

/** An application that has one route for those who may read reports. */
const startReports = async (engine: Engine): Promise<App['app']> => {
  const gate = { access: permission(reportsRead), limit: 'read', audit: 'none' } as const
  const plugin: Application['plugin'] = async app => {
    app.get('/reports', { config: { gate } }, async () => ({ reports: [] }))
  }
  const log = pino({ level: 'silent' })
  const { app } = await createApp({ engine, log, mount: '/auth', application: { plugin } })
  opened.push(() => app.close())
  return app
}

const read = async (app: App['app'], token: string): Promise<number> =>
  (await app.inject({ url: '/reports', headers: { authorization: `Bearer ${token}` } })).statusCode

describe('an own role', () => {
  test('lets in whoever has it, and nobody else but administrators', async () => {
    const engine = await open(reports)
    const app = await startReports(engine)
    const statuses = await Promise.all(
      ['analyst', 'user', 'moderator', 'helpdesk', 'admin'].map(async role => {
        const { id } = await addUser(engine, `${role}1`, { roles: [role] })
        return [role, await read(app, (await signInAs(engine, id)).access)]
      }),
    )
    assert.deepEqual(statuses, [
      ['analyst', 200],
      ['user', 403],
      ['moderator', 403],
      ['helpdesk', 403],
      ['admin', 200],
    ])
  })

  test('that is no longer declared allows nothing, also to a token that is out', async () => {
    const before = await open(reports)
    const { id } = await addUser(before, 'ann', { roles: ['analyst'] })
    const { access } = await signInAs(before, id)
    assert.equal(await read(await startReports(before), access), 200)
    const { permissions } = reports
    const after = await open({ ...(permissions && { permissions }) })
    assert.equal(await read(await startReports(after), access), 403)
  })

  test('that allows less from the next start on allows less to a token that is out', async () => {
    const before = await open(reports)
    const { id } = await addUser(before, 'ann', { roles: ['analyst'] })
    const { access } = await signInAs(before, id)
    const after = await open(toDeclaration({ ...reports, roles: { analyst: ['users:read'] } }))
    assert.equal(await read(await startReports(after), access), 403)
  })
})

const namesIn = async (db: Engine['db']): Promise<readonly string[]> =>
  (await listDeclaredRoles(db)).map(({ name }) => name)

describe('the names of own roles', () => {
  test('are known to a process without an application, and what they allow', async () => {
    const declared = toDeclaration({
      ...reports,
      roles: { ...reports.roles, user: ['reports:read'], keeper: [] },
    })
    const { roleTable } = await open(declared)
    const known = (await open()).roleTable
    assert.deepEqual([...known.permissions], [...roleTable.permissions])
    for (const name of ['user', 'moderator', 'admin', 'analyst', 'helpdesk', 'keeper'])
      assert.deepEqual([...permissionsOf(known, [name])].sort(), [...permissionsOf(roleTable, [name])].sort())
    assert.deepEqual([...known.roles.keys()].sort(), [...roleTable.roles.keys()].sort())
  })

  test('are known by name where an older version noted no more', async () => {
    const { db } = await open(reports)
    for (const table of ['declared_permissions', 'declared_role_permissions'] as const)
      await db.deleteFrom(table).execute()
    const { roleTable } = await open()
    assert.deepEqual([...permissionsOf(roleTable, ['analyst', 'helpdesk'])], [])
    assert.ok(roleTable.administrative.has('helpdesk'))
  })

  test('which make an administrator are known there too, so that sessions too old for one end', async () => {
    const { db } = await open(reports)
    const commandLine = await open()
    assert.deepEqual([...commandLine.roleTable.administrative].sort(), ['admin', 'helpdesk'])
    for (const [role, left] of [
      ['analyst', 1],
      ['helpdesk', 0],
    ] as const) {
      const { id } = await addUser(commandLine, `of-${role}`)
      const { sessionId } = await signInAs(commandLine, id)
      const old = commandLine.clock.now() - 13 * hour
      await db.updateTable('sessions').set({ created_at: old }).where('id', '=', sessionId).execute()
      await changeRoles(commandLine, { userId: id, roles: [role], origin: systemOrigin })
      const live = db
        .selectFrom('sessions')
        .selectAll()
        .where('user_id', '=', id)
        .where('ended_at', 'is', null)
      assert.equal((await live.execute()).length, left, role)
    }
    const more = toDeclaration({ ...reports, roles: { analyst: ['audit:read'] } })
    await open(more)
    assert.deepEqual([...(await open()).roleTable.administrative].sort(), ['admin', 'analyst'])
  })

  test('are those of the last start, also where eight start at once', async () => {
    const { db } = await open(reports)
    assert.deepEqual(await namesIn(db), ['analyst', 'helpdesk'])
    await Promise.all(Array.from({ length: 8 }, () => open(toDeclaration({ roles: { editor: [] } }))))
    assert.deepEqual(await namesIn(db), ['editor'])
    await open()
    assert.deepEqual(await namesIn(db), ['editor'])
    await open({})
    assert.deepEqual(await namesIn(db), [])
  })

  test('are not written by a declaration that stops the start, and no database is made for it', async () => {
    const wrong = toDeclaration({ permissions: { 'users:write': 'mine' } })
    await assert.rejects(open(wrong), /users:write is built in/)
    const { db } = await open()
    assert.deepEqual(await namesIn(db), [])
  })
})

describe('a role of the own making with users:write', () => {
  const newUser = (roles: readonly string[]) => ({ username: 'eve', password, roles })
  const openHelpdesk = async () => {
    const engine = await open(reports)
    const hash = await createPasswordHasher().hash(parsePassword(password))
    const { id } = await addUser(engine, 'helen', { roles: ['helpdesk'], passwordHash: hash })
    return { engine, helen: await signInAs(engine, id) }
  }

  for (const role of ['admin', 'analyst'])
    test(`makes no ${role}: nobody gives what they do not have`, async () => {
      const { engine, helen } = await openHelpdesk()
      await assert.rejects(createUser(engine, newUser([role]), systemOrigin, helen), {
        code: 'insufficient_permission',
      })
      const rows = await engine.db.selectFrom('users').select('username').execute()
      assert.deepEqual(
        rows.map(({ username }) => username),
        ['helen'],
      )
    })

  test('makes users, and others of its own kind', async () => {
    const { engine, helen } = await openHelpdesk()
    const made = await createUser(engine, newUser(['user', 'helpdesk']), systemOrigin, helen)
    assert.deepEqual(made.roles, ['helpdesk', 'user'])
  })

  test('does not close the set-up link: that is for an administrator', async () => {
    const { engine } = await openHelpdesk()
    const row = await engine.db.selectFrom('installation').select('first_administrator_at').executeTakeFirst()
    assert.equal(row?.first_administrator_at, null)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { createService } from '../../packages/gatewright/src/administration/services.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { giveKeyWithId } from '../api-keys/given.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { parseIssuers, plainEntry } from '../issuers/scene.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { readTables, untilHooksAreDone } from '../table-contents.ts'

/**
 * A deputy has the permission of every route of administration and may do everything but one thing, and whoever is
 * an auditor may do that: no deputy changes anything of an auditor, makes one, or becomes one.
 */
const lacking = 'settings:read'
const allOfDeputy = [
  'users:read',
  'users:write',
  'roles:write',
  'sessions:write',
  'api-keys:write',
  'signing-keys:write',
  'clients:write',
]

type Holder = 'auditor' | 'reader'

const permissionsOf = (role: Holder) => (role === 'auditor' ? [lacking] : ['users:read'])
const nameOfIssuer = (role: Holder): string => `https://${role}.example.org`

/** One whose tokens may what the role allows. Nobody ever asks for its keys. */
const issuerOf = (role: Holder) => ({
  ...plainEntry({ issuer: nameOfIssuer(role) }),
  jwks_uri: 'http://localhost:1/keys',
  permissions: { all: permissionsOf(role) },
  gives_administrative_permissions: true,
})

let t: TestApp
let chief: Caller
let deputy: Caller
before(async () => {
  t = await startTestApp({ trustedIssuers: parseIssuers((['auditor', 'reader'] as const).map(issuerOf)) })
  for (const [name, permissions] of Object.entries({
    deputy: allOfDeputy,
    auditor: [lacking],
    reader: ['users:read'],
  }))
    await createRole(t.engine, { name, description: '', permissions }, origin)
  chief = await signUp(t, freshName(), ['admin'])
  deputy = await signUp(t, freshName(), ['deputy'])
})
after(() => t.close())

const addPerson = async (role: Holder): Promise<string> =>
  (await addUser(t.engine, freshName(), { roles: [role] })).id
const addServiceAs = async (role: Holder): Promise<string> =>
  (await createService(t.engine, { name: freshName(), roles: [role] }, origin)).id

/** What a route changes: the request, and whoever holds the roles that matter to it. */
type Target = {
  readonly path?: string
  readonly body?: object | undefined
  /** Whoever would have to hold more, for a deputy to be refused. */
  readonly of?: string
}
type Row = {
  readonly route: string
  readonly what: string
  /** What is changed, of somebody who may what this role allows, or what is to allow it. */
  readonly make: (role: Holder) => Promise<Target>
}

const ofPerson = (route: string, body?: () => object): Row => ({
  route,
  what: 'a user',
  make: async role => {
    const of = await addPerson(role)
    return { of, path: of, ...(body && { body: body() }) }
  },
})
const ofService = (route: string, body?: () => object): Row => ({
  route,
  what: 'a service',
  make: async role => {
    const of = await addServiceAs(role)
    return { of, path: of, ...(body && { body: body() }) }
  },
})
const giving = (route: string, body: (role: Holder) => object, path?: () => Promise<string>): Row => ({
  route,
  what: 'with a role that is given',
  make: async role => ({ body: body(role), ...(path && { path: await path() }) }),
})
const ofKey = (
  method: 'POST' | 'DELETE',
  url: string,
  what: string,
  addOwner: (role: Holder) => Promise<string>,
): Row => ({
  route: `${method} /api/v1/admin/api-keys/:id${url}`,
  what,
  make: async role => {
    const of = await addOwner(role)
    return { of, path: (await giveKeyWithId(t, of, { permissions: [] })).id }
  },
})
const link = () => ({ issuer: 'https://sso.example.org', subject: freshName() })
const makeRole = async (permissions: readonly string[]): Promise<string> =>
  (await createRole(t.engine, { name: freshName(), description: '', permissions }, origin)).name

const users = '/api/v1/admin/users'
const services = '/api/v1/admin/services'
const roles = '/api/v1/admin/roles'

/** Every route that *No way up* guards; some in more than one way. */
const guarded: readonly Row[] = [
  ofPerson(`POST ${users}/:id/disable`, () => ({ reason: 'left' })),
  ofPerson(`POST ${users}/:id/enable`),
  ofPerson(`POST ${users}/:id/end-sessions`),
  ofPerson(`POST ${users}/:id/reset-password`),
  ofPerson(`POST ${users}/:id/reset-factors`, () => ({ reason: 'lost' })),
  ofPerson(`PUT ${users}/:id/roles`, () => ({ roles: [] })),
  ofPerson(`DELETE ${users}/:id`),
  ofPerson(`POST ${users}/:id/identities`, link),
  {
    route: `DELETE ${users}/:id/identities`,
    what: 'a user',
    make: async role => {
      const [of, { issuer, subject }] = [await addPerson(role), link()]
      const row = { issuer, subject, user_id: of, created_at: t.clock.now() }
      await t.engine.db.insertInto('identities').values(row).execute()
      return { of, path: `${of}/identities?${new URLSearchParams({ issuer, subject })}` }
    },
  },
  giving(
    `PUT ${users}/:id/roles`,
    role => ({ roles: [role] }),
    () => addPerson('reader'),
  ),
  giving(`POST ${users}`, role => ({ email: `${freshName()}@example.org`, roles: [role] })),
  giving('POST /api/v1/users', role => ({ username: freshName(), password, roles: [role] })),
  ofService(`PUT ${services}/:id/roles`, () => ({ roles: [] })),
  ofService(`POST ${services}/:id/disable`),
  ofService(`POST ${services}/:id/enable`),
  ofService(`DELETE ${services}/:id`),
  giving(
    `PUT ${services}/:id/roles`,
    role => ({ roles: [role] }),
    () => addServiceAs('reader'),
  ),
  giving(`POST ${services}`, role => ({ name: freshName(), roles: [role] })),
  {
    route: 'DELETE /api/v1/admin/sessions/:id',
    what: 'of a user',
    make: async role => {
      const of = await addPerson(role)
      return { of, path: (await signInAs(t.engine, of)).sessionId }
    },
  },
  {
    route: 'POST /api/v1/admin/api-keys',
    what: 'for a service',
    make: async role => {
      const owner_id = await addServiceAs(role)
      return { of: owner_id, body: { owner_id, name: 'nightly', permissions: [] } }
    },
  },
  ofKey('POST', '/rotate', 'of a service', addServiceAs),
  ofKey('DELETE', '', 'of a service', addServiceAs),
  ofKey('DELETE', '', 'of a user', addPerson),
  {
    route: `POST ${roles}`,
    what: 'of a permission',
    make: async role => ({ body: { name: freshName(), permissions: permissionsOf(role) } }),
  },
  {
    route: `PATCH ${roles}/:id`,
    what: 'that allows it',
    make: async role => ({ path: await makeRole(permissionsOf(role)), body: { permissions: [] } }),
  },
  {
    route: `PATCH ${roles}/:id`,
    what: 'that is to allow it',
    make: async role => ({
      path: await makeRole(['users:read']),
      body: { permissions: permissionsOf(role), description: 'other' },
    }),
  },
  {
    route: `DELETE ${roles}/:id`,
    what: 'that allows it',
    make: async role => ({ path: await makeRole(permissionsOf(role)) }),
  },
  ...['block', 'unblock'].map(verb => ({
    route: `POST /api/v1/admin/issuers/${verb}`,
    what: 'whose tokens may it',
    make: async (role: Holder) => ({ body: { issuer: nameOfIssuer(role) } }),
  })),
]

/** What concerns no one user, service or role: the permission of the route is all that it asks for. */
const ofNobody = [
  'POST /api/v1/admin/access-review/sign-offs',
  'POST /api/v1/admin/explain',
  'DELETE /api/v1/admin/invitations/:id',
  'POST /api/v1/admin/signing-keys/rotate',
  'POST /api/v1/admin/signing-keys/:id/revoke',
]

const send = (route: string, { path, body }: Target, { access }: Caller): Promise<Answer> => {
  const [method = '', url = ''] = route.split(' ')
  const filled = path === undefined ? url : path.includes('?') ? `${users}/${path}` : url.replace(':id', path)
  return t.call(method, filled, { token: access, ...(body && { body }) })
}

const nameOf = ({ route, what }: Row): string => `${route}, ${what}`

test('every route that changes something by an administrator is in the table, or concerns nobody', () => {
  const unsafe = t.app.routeTable.routes
    .filter(({ method, url }) => url.startsWith('/api/v1/admin/') && !['GET', 'HEAD'].includes(method))
    .map(({ method, url }) => `${method} ${url}`)
  const known = new Set([...guarded.map(({ route }) => route), ...ofNobody])
  assert.deepEqual(unsafe.filter(route => !known.has(route)).sort(), [])
})

describe('a weaker administrator, who has the permission of every route', () => {
  for (const row of guarded)
    test(`is refused where more is held or given, changes nothing, and else is let do it: ${nameOf(row)}`, async () => {
      const more = await row.make('auditor')
      await untilHooksAreDone(t)
      const was = await readTables(t)
      assert.equal(show(await send(row.route, more, deputy)), '403 insufficient_permission')
      assert.deepEqual(await readTables(t), was)
      const done = await send(row.route, await row.make('reader'), deputy)
      assert.ok(done.status < 300, done.text)
    })
})

type AuditEvent = { readonly id: unknown; readonly actor: string | null; readonly event: string }

const readEvents = (since: number): Promise<readonly (AuditEvent & { user_id: string | null })[]> =>
  t.engine.db
    .selectFrom('audit_events')
    .select(['id', 'actor', 'event', 'user_id'])
    .where('id', '>', since)
    // Those of changes: that a right was missing is told as well.
    .where('event', '!=', 'access.refused')
    .orderBy('id')
    .execute()
const newestEvent = async (): Promise<number> => {
  const newest = t.engine.db.selectFrom('audit_events').select(eb => eb.fn.max('id').as('id'))
  return Number((await newest.executeTakeFirst())?.id ?? 0)
}

/** What of the same moment takes the right from the deputy. */
const takings: Readonly<
  Record<string, (own: Caller, target: Target) => (() => Promise<Answer>) | undefined>
> = {
  'the deputy is demoted': own => () =>
    send(`PUT ${users}/:id/roles`, { path: own.id, body: { roles: ['user'] } }, chief),
  'who is changed is given more': (_, { of }) =>
    of === undefined
      ? undefined
      : () => send(raisedBy(of), { path: of, body: { roles: ['auditor', 'reader'] } }, chief),
}
const servicesMade = new Set<string>()
const raisedBy = (id: string): string => `PUT ${servicesMade.has(id) ? services : users}/:id/roles`

/** What hashes a password takes long: it is asked once. */
const roundsOf = ({ route }: Row): number => (route === 'POST /api/v1/users' ? 1 : 2)

describe('two parallel calls: what a weaker administrator does comes before the right to it is taken, or not at all', () => {
  for (const [taking, take] of Object.entries(takings))
    test(taking, async () => {
      const seen = new Map<string, number>()
      for (const row of guarded)
        for (let round = 0; round < roundsOf(row); round++) {
          const own = await signUp(t, freshName(), ['deputy'])
          const target = await row.make('reader')
          if (row.what.includes('service') && target.of) servicesMade.add(target.of)
          const takeIt = take(own, target)
          if (takeIt === undefined) continue
          const since = await newestEvent()
          const calls = [() => send(row.route, target, own), takeIt]
          const isTurned = round % 2 === 1
          const answers = await Promise.all((isTurned ? calls.toReversed() : calls).map(call => call()))
          const [done, taken] = isTurned ? answers.toReversed() : answers
          await judge({ row, own, target, since, done, taken })
          const word = show(done as Answer)
          seen.set(word, (seen.get(word) ?? 0) + 1)
        }
      assert.ok((seen.get('403 insufficient_permission') ?? 0) > 0, JSON.stringify([...seen]))
      assert.ok(
        [...seen.keys()].some(word => word.startsWith('2')),
        JSON.stringify([...seen]),
      )
    })
})

type Seen = {
  readonly row: Row
  readonly own: Caller
  readonly target: Target
  readonly since: number
  readonly done: Answer | undefined
  readonly taken: Answer | undefined
}

/** Whose rows are locked are in one order, and so are the events that are written under these locks. */
const judge = async ({ row, own, target, since, done, taken }: Seen): Promise<void> => {
  const what = `${nameOf(row)}: ${done?.status} ${done?.text} beside ${taken?.status} ${taken?.text}`
  assert.ok(done && taken && done.status < 500 && taken.status < 500, what)
  const events = await readEvents(since)
  const isTaking = ({ actor, user_id, event }: (typeof events)[number]): boolean =>
    actor === chief.id && event.includes('roles-changed') && (user_id === own.id || user_id === target.of)
  const takenAt = events.findIndex(isTaking)
  const after = takenAt < 0 ? [] : events.slice(takenAt + 1).filter(({ actor }) => actor === own.id)
  assert.deepEqual(after, [], `${what}: done after it was forbidden`)
  if (taken.status < 300) assert.ok(takenAt >= 0, what)
  if (done.status >= 400) assert.ok(['403', '401', '404', '409'].includes(String(done.status)), what)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeRoles, createUser, disableUser } from 'gatewright/administration'
import { changeRole, createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { invite } from '../../packages/gatewright/src/administration/invitations.ts'
import { makeApiKey } from '../../packages/gatewright/src/administration/make-api-key.ts'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { changeServiceRoles, createService } from '../../packages/gatewright/src/administration/services.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { listMadeRoles } from '../../packages/gatewright/src/permissions/made-roles.ts'
import { permissionsOf, withMadeRoles } from '../../packages/gatewright/src/permissions/roles.ts'
import { findRoles } from '../../packages/gatewright/src/users/users.ts'
import { password } from '../harness.ts'
import { freshName } from '../senders.ts'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import type { SignedIn } from '../sessions/signed-in.ts'
import { useOwnApplication } from './own-application.ts'

const t = useOwnApplication()
const steps = 150

const theirs = ['users:read', 'users:write', 'roles:write', 'api-keys:write', 'reports:read']
const beyond = ['reports:write', 'audit:read']
const ofCode = ['user', 'helpdesk', 'analyst', 'editor', 'keeper', 'admin']

type Holder = { readonly may: ReadonlySet<string>; readonly state: string }

const isWithin = (some: Iterable<string>, all: ReadonlySet<string>): boolean =>
  [...some].every(one => all.has(one))

/** Whoever is there: what they may do, and what nobody changes of those who may do more. */
const lookAtAll = async (): Promise<ReadonlyMap<string, Holder>> => {
  const { db, roleTable } = t.engine
  const rows = await db.selectFrom('users').select(['id', 'disabled_at', 'version']).execute()
  const rolesOf = await findRoles(
    db,
    rows.map(({ id }) => id),
  )
  const table = withMadeRoles(roleTable, await listMadeRoles(db))
  return new Map(
    rows.map(({ id, ...row }) => {
      const roles = rolesOf(id)
      return [id, { may: new Set(permissionsOf(table, roles)), state: JSON.stringify([row, roles]) }]
    }),
  )
}

/** A few of them, so that something is done now and then. */
const someOf = ({ pick, below }: Seeded, all: readonly string[]): readonly string[] => [
  ...new Set(Array.from({ length: 1 + below(2) }, () => pick(all))),
]

type Stage = {
  readonly random: Seeded
  readonly caller: SignedIn
  readonly userId: string
  readonly serviceId: string
  /** Roles that may be changed. */
  readonly made: readonly string[]
  /** What one of their own keeps, so that they can go on. */
  readonly keeps: readonly string[]
}

/** What one of them does to somebody. */
const acts: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  'makes a role': ({ random, caller }) =>
    createRole(
      t.engine,
      { name: `made-${freshName()}`, description: '', permissions: someOf(random, [...theirs, ...beyond]) },
      origin,
      caller,
    ),
  'changes a role': ({ random, caller, made }) =>
    changeRole(
      t.engine,
      { name: random.pick(made), permissions: someOf(random, [...theirs, ...beyond]), origin },
      caller,
    ),
  'gives roles': ({ random, caller, userId, made, keeps }) => {
    const roles = [...someOf(random, [...ofCode, ...made]), ...keeps]
    return changeRoles(t.engine, { userId, roles, origin }, caller)
  },
  'gives a service roles': ({ random, caller, serviceId, made }) =>
    changeServiceRoles(t.engine, { serviceId, roles: someOf(random, [...ofCode, ...made]), origin }, caller),
  'makes a user': ({ random, caller, made }) =>
    createUser(
      t.engine,
      { username: freshName(), password, roles: someOf(random, [...ofCode, ...made]) },
      origin,
      caller,
    ),
  'makes a service': ({ random, caller, made }) =>
    createService(
      t.engine,
      { name: freshName(), roles: someOf(random, [...ofCode, ...made]) },
      origin,
      caller,
    ),
  invites: ({ random, caller, made }) =>
    invite(
      t.engine,
      { email: `${freshName()}@example.org`, roles: someOf(random, [...ofCode, ...made]) },
      origin,
      caller,
    ),
  'makes a key': ({ random, caller, serviceId }) => {
    const permissions = someOf(random, [...theirs, ...beyond])
    const asked = { name: 'key', permissions, expiresAt: null, allowedAddresses: [] }
    return makeApiKey(t.engine, { ownerId: serviceId, caller, origin }, asked)
  },
  'resets factors': ({ caller, userId }) => resetFactors(t.engine, { userId, reason: 'x', origin }, caller),
  'disables or deletes': async ({ random, caller, userId, keeps }) => {
    if (keeps.length > 0) return
    const act = random.oneIn(2) ? disableUser : deleteUser
    await act(t.engine, { userId, origin }, caller)
  },
}

/** What they may do together at first; everybody gets what whoever registers gets. */
const unionOf = async (attackers: readonly SignedIn[]): Promise<ReadonlySet<string>> => {
  const all = await lookAtAll()
  const may = attackers.flatMap(({ userId }) => [...(all.get(userId)?.may ?? [])])
  return new Set([...may, ...permissionsOf(t.engine.roleTable, ['user'])])
}

const assertNoWayUp = async (
  was: ReadonlyMap<string, Holder>,
  union: ReadonlySet<string>,
  after: string,
): Promise<void> => {
  for (const [id, { may, state }] of await lookAtAll()) {
    const before = was.get(id)
    const isStronger = before !== undefined && !isWithin(before.may, union)
    if (isStronger) assert.equal(state, before.state, `${after}: somebody who may do more was changed`)
    const most = new Set([...union, ...(isStronger ? before.may : [])])
    assert.ok(isWithin(may, most), `${after}: ${id} may ${[...may]}`)
  }
}

test('coalition: whatever administrators do to whomever, nobody comes to have what none of them had', async context => {
  const random = createSeeded(context)
  const make = async (permissions: readonly string[]): Promise<string> =>
    (await createRole(t.engine, { name: `role-${freshName()}`, description: '', permissions }, origin)).name
  const strong = await make(theirs)
  const attackers = [await t.signIn(strong), await t.signIn(strong), await t.signIn('helpdesk', 'analyst')]
  const made = await Promise.all([beyond, ['users:read'], ['audit:read']].map(make))
  for (const name of [...ofCode, ...made]) await t.newUser(name)
  const newService = async (role: string): Promise<string> =>
    (await createService(t.engine, { name: freshName(), roles: [role] }, origin)).id
  const services = [await newService('editor'), await newService('analyst')]
  const union = await unionOf(attackers)
  const was = await lookAtAll()
  const done = new Set<string>()
  for (let step = 0; step < steps; step++) {
    const does = random.pick(Object.keys(acts))
    const userId = random.pick([...(await lookAtAll()).keys()])
    const isOwn = attackers.some(attacker => attacker.userId === userId)
    const keeps = isOwn ? await t.rolesOf(userId) : []
    const [caller, serviceId] = [random.pick(attackers), random.pick(services)]
    const stage = { random, caller, userId, serviceId, made, keeps }
    const outcome = await (acts[does] as (typeof acts)[string])(stage).then(
      () => 'done',
      (error: { code?: string }) => error.code ?? assert.fail(String(error)),
    )
    if (outcome === 'done') done.add(does)
    await assertNoWayUp(was, union, `step ${step}, ${does}`)
  }
  const keys = await t.engine.db.selectFrom('api_keys').select('permissions').execute()
  for (const { permissions } of keys) assert.ok(isWithin(permissions.split(' ').filter(Boolean), union))
  assert.ok(done.size > 3, [...done].sort().join(', '))
})

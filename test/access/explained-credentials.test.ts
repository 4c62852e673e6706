import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { minute, second } from 'gatewright/clock'
import { revokeApiKey } from '../../packages/gatewright/src/administration/api-keys.ts'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { changeServiceRoles, createService } from '../../packages/gatewright/src/administration/services.ts'
import { changeRoles, disableUser, enableUser } from '../../packages/gatewright/src/administration/users.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { explain } from '../../packages/gatewright/src/gate/explain.ts'
import { type GateDependencies, headSteps, runSteps } from '../../packages/gatewright/src/gate/gate.ts'
import { type GateRule, newPassage } from '../../packages/gatewright/src/gate/passage.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { logOut } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { giveKeyWithId } from '../api-keys/given.ts'
import { testsDatabase } from '../environment.ts'
import { plantTotp } from '../factors/enrolled.ts'
import type { TestApp } from '../harness.ts'
import { foreignToken, linkedToken, startMatrixApp } from '../issuers/matrix-issuer.ts'
import { freshName } from '../senders.ts'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { kinds, permissions, randomRule, randomThing } from './random-access.ts'

let t: TestApp
before(async () => {
  t = await startMatrixApp({ limits: 'off' })
})
after(() => t.close())

const roles = ['reader', 'helpdesk', 'chief', 'admin', 'user']
const some = <T>(random: Seeded, list: readonly T[]): readonly T[] => list.filter(() => random.oneIn(2))
const addresses = ['192.0.2.7', '198.51.100.1']

/** What a request may show, and where it stands there. */
type Shown = { readonly name: string; readonly text: string; readonly header: 'authorization' | 'x-api-key' }

type Cast = {
  /** Whoever may own something: users, and services. */
  readonly users: readonly string[]
  readonly services: readonly string[]
  readonly shown: readonly Shown[]
}

const addPeople = async (random: Seeded) => {
  const users: string[] = []
  for (let n = 0; n < 4; n++) {
    const { id } = await addUser(t.engine, freshName(), { roles: some(random, roles) })
    if (n % 2 === 0) await plantTotp(t.engine, id)
    users.push(id)
  }
  const services: string[] = []
  for (let n = 0; n < 3; n++)
    services.push(
      (await createService(t.engine, { name: freshName(), roles: some(random, roles) }, origin)).id,
    )
  return { users, services }
}

/** Keys that are good, that have ended, that are over, or that are good from one address alone. */
const giveKeys = async (random: Seeded, owners: readonly string[]): Promise<readonly Shown[]> => {
  const shown: Shown[] = []
  for (const ownerId of owners)
    for (let n = 0; n < 4; n++) {
      const { id, key: text } = await giveKeyWithId(t, ownerId, {
        permissions: some(random, permissions),
        hasFactor: random.oneIn(2),
        expiresAt: random.pick([null, null, null, t.clock.now() - second]),
        allowedAddresses: random.pick([[], [], ['192.0.2.0/24']]),
      })
      if (random.oneIn(8)) await revokeApiKey(t.engine, { ownerId, keyId: id, origin })
      shown.push({ name: 'API key', text, header: 'x-api-key' })
    }
  return shown
}

const bearer = (name: string, token: string): Shown => ({
  name,
  text: token,
  header: 'authorization',
})

const signIn = async (random: Seeded, users: readonly string[]): Promise<readonly Shown[]> => {
  const shown: Shown[] = []
  for (const userId of users)
    for (let n = 0; n < 3; n++) {
      const { access, sessionId } = await signInAs(t.engine, userId)
      const claims = await t.engine.accessTokens.verify(access)
      const sign = await t.engine.accessTokens.getSign()
      const now = t.clock.now()
      const changed = {
        authTime: now - random.pick([0, 5, 10, 20]) * minute,
        expiresAt: now + random.pick([10 * minute, 10 * minute, -second]),
        amr: random.pick([['pwd'], ['pwd', 'otp', 'mfa']]),
      }
      shown.push(bearer('session', await sign({ ...claims, ...changed })))
      if (random.oneIn(8)) await logOut(t.engine, { userId, sessionId, origin })
    }
  return shown
}

const ofIssuers = async (random: Seeded, users: readonly string[]): Promise<readonly Shown[]> => {
  const shown: Shown[] = []
  for (let n = 0; n < 6; n++) shown.push(bearer('foreign', foreignToken(t.engine, some(random, permissions))))
  for (const userId of users)
    for (let n = 0; n < 3; n++)
      shown.push(bearer('linked', await linkedToken(t.engine, userId, some(random, permissions))))
  const whole = shown[0]?.text ?? ''
  return [...shown, bearer('forged', `${whole.slice(0, -8)}AAAAAAAA`)]
}

const makeCast = async (random: Seeded): Promise<Cast> => {
  const people = await addPeople(random)
  const { users, services } = people
  const keys = [...(await giveKeys(random, users)), ...(await giveKeys(random, services))]
  return {
    ...people,
    shown: [...keys, ...(await signIn(random, users)), ...(await ofIssuers(random, users))],
  }
}

/** Every once in a while somebody may do something else than before, and what is remembered is old. */
const shake = async (random: Seeded, { users, services }: Cast): Promise<void> => {
  const userId = random.pick(users)
  const change = random.pick([
    () => changeRoles(t.engine, { userId, roles: some(random, roles), origin }),
    () =>
      changeServiceRoles(t.engine, { serviceId: random.pick(services), roles: some(random, roles), origin }),
    () => disableUser(t.engine, { userId, origin }),
    () => enableUser(t.engine, { userId, origin }),
  ])
  await change()
}

type Case = {
  readonly gate: GateDependencies
  readonly rule: GateRule
  readonly thingId: string | undefined
  readonly shown: Shown | undefined
  readonly address: string
}

const randomCase = (random: Seeded, cast: Cast): Case => {
  const thing = randomThing(random, [...cast.users, ...cast.services])
  return {
    gate: { ...t.engine, things: new Map([['post', async () => thing]]) },
    rule: {
      access: randomRule(random),
      limit: 'read',
      audit: 'none',
      ...(random.oneIn(3)
        ? {}
        : { principals: random.oneIn(3) ? kinds.filter(() => random.oneIn(2)) : kinds }),
    },
    thingId: 'post',
    shown: random.oneIn(12) ? undefined : random.pick(cast.shown),
    address: random.pick(addresses),
  }
}

/** What the steps of the gate say of the request. */
const judge = async ({ gate, rule, thingId, shown, address }: Case): Promise<string> => {
  const rawHeaders =
    shown === undefined
      ? []
      : [shown.header, shown.header === 'authorization' ? `Bearer ${shown.text}` : shown.text]
  const passage = newPassage({ rule, thingId, requestId: '', method: 'GET', peer: address, rawHeaders })
  try {
    await runSteps(gate, headSteps, passage)
    return 'allowed'
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return error.code
  }
}

/** What decides is the same on both databases, and what is read is a way to another process on one of them. */
const cases = { sqlite: 10_000, postgres: 500 }[testsDatabase.kind]
/** After so many there are others, because whatever ends stays so. */
const casesOfCast = 400

test('what is explained of a credential is what the gate says: 10,000 random sessions, API keys, services and tokens of other issuers', async context => {
  const random = createSeeded(context)
  for (const [name, list] of [
    ['reader', ['users:read']],
    ['helpdesk', ['users:read', 'users:write']],
    ['chief', permissions],
  ] as const)
    await createRole(t.engine, { name, description: '', permissions: list }, origin)
  await addUser(t.engine, 'root', { roles: ['admin'] })
  let cast = await makeCast(random)
  const seen = new Map<string, number>()
  for (let n = 1; n <= cases; n++) {
    if (n % casesOfCast === 0) cast = await makeCast(random)
    if (n % 50 === 0) await shake(random, cast)
    const each = randomCase(random, cast)
    const { gate, rule, thingId, shown, address } = each
    const route = { name: 'GET /post/:id', rule, thingId }
    const { allowed, code } = await explain(gate, { token: shown?.text, address, route }, origin)
    const said = await judge(each)
    assert.equal(
      allowed ? 'allowed' : code,
      said,
      `${n}: ${shown?.name} ${JSON.stringify({ rule, address })}`,
    )
    const what = `${shown?.name ?? 'nobody'}: ${said}`
    seen.set(what, (seen.get(what) ?? 0) + 1)
  }
  context.diagnostic(JSON.stringify(Object.fromEntries([...seen].sort())))
  for (const name of ['session', 'API key', 'foreign', 'linked'])
    for (const said of ['allowed', 'insufficient_permission', 'not_found'])
      assert.ok(
        (seen.get(`${name}: ${said}`) ?? 0) >= cases / 1_000 - 1,
        `${name}: ${said} ${JSON.stringify([...seen])}`,
      )
})

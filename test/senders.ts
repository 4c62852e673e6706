import assert from 'node:assert/strict'
import { day, minute, second } from 'gatewright/clock'
import { newId } from 'gatewright/random'
import { createRole } from '../packages/gatewright/src/administration/change-role.ts'
import { invite } from '../packages/gatewright/src/administration/invitations.ts'
import { createService } from '../packages/gatewright/src/administration/services.ts'
import { systemOrigin } from '../packages/gatewright/src/audit/record.ts'
import { keyExample } from '../packages/gatewright/src/http/api-key-view.ts'
import { linkExample } from '../packages/gatewright/src/http/routes/identities.ts'
import type { AccessToken } from '../packages/gatewright/src/tokens/access-token.ts'
import { addService } from './administration/added-service.ts'
import { giveKey, giveKeyWithId } from './api-keys/given.ts'
import { forgetFactors } from './factors/enrolled.ts'
import { type Caller, password, signUp, type TestApp } from './harness.ts'
import { foreignToken, linkedToken } from './issuers/matrix-issuer.ts'
import { plantPasskey } from './passkeys/registered.ts'
import { plantDevice } from './sessions/given-device.ts'
import { addUser } from './sessions/signed-in.ts'

/** Whoever sends a request: the headers that carry the credential, and the user behind it, if any. */
export type Sender = Partial<Caller> & { readonly headers: Readonly<Record<string, string>> }

let users = 0
export const freshName = (): string => `person-${++users}`

const signUpAs = (t: TestApp, ...roles: readonly string[]): Promise<Caller> => signUp(t, freshName(), roles)

const bearer = (caller: Caller, access = caller.access): Sender => ({
  ...caller,
  access,
  headers: { authorization: `Bearer ${access}` },
})

/** Another session of the same user. */
export const signInAgain = async (t: TestApp, caller: Caller): Promise<Caller> => {
  await forgetFactors(t.engine, caller.id)
  const { status, body, text } = await t.call('POST', 'login', {
    body: { username: caller.username, password },
  })
  assert.equal(status, 200, text)
  return { ...caller, access: body.access_token, refresh: body.refresh_token }
}

/** The caller's access token as the engine would have signed it with other claims. */
const signAgain = async (
  { engine }: TestApp,
  caller: Caller,
  claims: Partial<Pick<AccessToken, 'amr' | 'authTime' | 'expiresAt'>>,
): Promise<string> => {
  const sign = await engine.accessTokens.getSign()
  return sign({ ...(await engine.accessTokens.verify(caller.access)), ...claims })
}

/** An administrator whose session has shown a second factor, as one must where `ADMIN_SECOND_FACTOR` asks for it. */
const signUpAdministrator = async (t: TestApp): Promise<Caller> => {
  const caller = await signUpAs(t, 'admin')
  const amr = ['pwd', 'otp', 'mfa']
  const sessions = t.engine.db.updateTable('sessions').set({ amr: amr.join(' ') })
  await sessions.where('user_id', '=', caller.id).execute()
  return { ...caller, access: await signAgain(t, caller, { amr }) }
}

const ofIssuer = (token: string): Sender => ({ headers: { authorization: `Bearer ${token}` } })

const signOut = async (t: TestApp, caller: Caller): Promise<Caller> => {
  assert.equal((await t.call('POST', 'logout', { token: caller.access })).status, 200)
  return caller
}

const unknownKey = { 'x-api-key': 'gwk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }

type MakeSender = (t: TestApp, owner: Caller) => Promise<Sender>

/** The columns of the route matrix: who asks for what `owner` has. */
export const senders = {
  anonymous: async () => ({ headers: {} }),
  owner: async (_, owner) => bearer(owner),
  other: async t => bearer(await signUpAs(t, 'user')),
  moderator: async t => bearer(await signUpAs(t, 'moderator')),
  administrator: async t => bearer(await signUpAdministrator(t)),
  /** An administrator who has shown a password alone. */
  factorless: async t => bearer(await signUpAs(t, 'admin')),
  /** A user who was given no role at all. */
  roleless: async t => bearer(await signUpAs(t)),
  /** An administrator whose proof of the person is older than sensitive routes take. */
  stale: async t => {
    const caller = await signUpAdministrator(t)
    return bearer(caller, await signAgain(t, caller, { authTime: t.clock.now() - 10 * minute - second }))
  },
  expired: async (t, owner) =>
    bearer(owner, await signAgain(t, owner, { expiresAt: t.clock.now() - second })),
  ended: async (t, owner) => bearer(await signOut(t, await signInAgain(t, owner))),
  /** The owner's, with every permission that there is: it does what the owner may, on routes that name keys. */
  'API key': async (t, owner) => ({
    id: owner.id,
    username: owner.username,
    headers: { 'x-api-key': await giveKey(t, owner.id) },
  }),
  /** Its key has every permission, and it is an administrator: whatever is closed to it is closed to its kind. */
  service: async t => {
    const { id } = await createService(t.engine, { name: freshName(), roles: ['admin'] }, systemOrigin)
    return { id, headers: { 'x-api-key': await giveKey(t, id) } }
  },
  /** Of another issuer that speaks for itself, with every permission. */
  foreign: async ({ engine }) => ofIssuer(foreignToken(engine)),
  /** Of another issuer that speaks for users here: for the owner, with every permission. */
  linked: async ({ engine }, owner) => ofIssuer(await linkedToken(engine, owner.id)),
  both: async (_, owner) => ({ ...bearer(owner), headers: { ...bearer(owner).headers, ...unknownKey } }),
} as const satisfies Record<string, MakeSender>

export type SenderName = keyof typeof senders
export const senderNames = Object.keys(senders) as SenderName[]

/** Everybody at once, around one new owner. */
export type Cast = { readonly owner: Caller } & Readonly<
  Record<'senders', Readonly<Record<SenderName, Sender>>>
>

export const makeOwner = (t: TestApp, ...roles: readonly string[]): Promise<Caller> =>
  signUpAs(t, ...(roles.length === 0 ? ['user'] : roles))

export const makeCast = async (t: TestApp): Promise<Cast> => {
  const owner = await makeOwner(t)
  const made: Partial<Record<SenderName, Sender>> = {}
  for (const name of senderNames) made[name] = await senders[name](t, owner)
  return { owner, senders: made as Record<SenderName, Sender> }
}

export const sessionIdOf = (access: string): string => {
  const claims = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
  return String(claims.sid).split('.')[0] ?? ''
}

const create = async (t: TestApp, { access }: Caller, path: string, body: object): Promise<string> => {
  const made = await t.call('POST', path, { token: access, body })
  assert.equal(made.status, 201, made.text)
  return made.body.id
}

/** As the API reference shows one. */
const likeExample = ({ clock }: TestApp) => ({
  name: keyExample.name,
  permissions: keyExample.permissions,
  allowedAddresses: keyExample.allowed_addresses,
  expiresAt: clock.now() + 365 * day,
})

type MakeThing = (t: TestApp, owner: Caller, sender: Sender) => Promise<string>

/** What the `:id` of a route may name: made anew at each call, belonging to `owner`. */
export const things: Readonly<Record<string, MakeThing>> = {
  'published post': (t, owner) =>
    create(t, owner, 'posts', { title: 'Hello', content: 'For everybody.', published: true }),
  draft: (t, owner) => create(t, owner, 'posts', { title: 'Draft', content: 'for me' }),
  todo: (t, owner) => create(t, owner, 'todos', { title: 'Milk' }),
  'another session': async (t, owner) => sessionIdOf((await signInAgain(t, owner)).access),
  passkey: async ({ engine }, { id }) => {
    await forgetFactors(engine, id)
    return (await plantPasskey(engine, id)).id
  },
  'known device': async ({ engine }, { id }) => {
    await forgetFactors(engine, id)
    return plantDevice(engine, id)
  },
  invitation: async ({ engine }) => {
    const asked = { email: 'carol@example.org', roles: ['user'] }
    return (await invite(engine, asked, systemOrigin)).id
  },
  'signing key': async ({ engine }) => {
    const keys = engine.db.selectFrom('signing_keys').select('kid')
    return (await keys.where('state', '=', 'published').executeTakeFirstOrThrow()).kid
  },
  service: async t => (await addService(t.engine)).id,
  'API key': async (t, owner) => (await giveKeyWithId(t, owner.id, likeExample(t))).id,
  'key of a service': async t => (await giveKeyWithId(t, (await addService(t.engine)).id, likeExample(t))).id,
  role: async ({ engine }) => {
    const made = {
      name: freshName(),
      description: 'answers questions of users',
      permissions: ['sessions:write', 'users:read'],
    }
    return (await createRole(engine, made, systemOrigin)).name
  },
  'this session': async (_, owner, sender) => sessionIdOf(sender.access ?? owner.access),
  'the owner': async (_, owner) => owner.id,
  somebody: async ({ engine }) => (await addUser(engine, freshName())).id,
  'linked user': async ({ engine }) => {
    const { id: user_id } = await addUser(engine, freshName())
    await engine.db
      .insertInto('identities')
      .values({ ...linkExample, user_id, created_at: engine.clock.now() })
      .onConflict(conflict => conflict.columns(['issuer', 'subject']).doUpdateSet({ user_id }))
      .execute()
    return user_id
  },
  'audit event': async ({ engine }) => {
    const events = engine.db.selectFrom('audit_events').select(eb => eb.fn.max('id').as('id'))
    const { id } = await events.where('event', '=', 'session.started').executeTakeFirstOrThrow()
    return String(id)
  },
  'unknown id': async ({ engine }) => newId(engine.random),
  'malformed id': async () => 'no-id',
}

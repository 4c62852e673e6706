import type { Engine } from 'gatewright/compose'
import { newSecret, systemRandom } from 'gatewright/random'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import {
  type Consequence,
  type ConsequenceEvent,
  consequences,
} from '../../packages/gatewright/src/consequences/table.ts'
import { createSecrets, type Secrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { beginTotp } from '../../packages/gatewright/src/sign-in/own-totp.ts'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'
import { codeAt } from '../factors/enrolled.ts'
import { giveAddress, giveLink, type MailedPurpose } from '../mail/given-link.ts'
import { giveApiKey, giveApp, stepUp } from './attempts.ts'
import { happen, firstPassword as password } from './history.ts'
import type { Call } from './rules.ts'
import { changeRow, type Scene, show } from './scene.ts'

/** A row of docs/consequences.md: one of the code's table, or what is no event of one user. */
export type EventName = ConsequenceEvent | keyof typeof besides

const kept = {
  thisSession: 'keep',
  otherSessions: 'keep',
  knownDevices: 'keep',
  apiKeys: 'keep',
  codesAndLinks: 'keep',
} as const satisfies Consequence

/** What becomes of what a user has, where the event is none of all that the user has. */
const besides = {
  'signing key revoked': kept,
  'API key revoked': kept,
  'API key rotated': kept,
  'role definition changed': {
    ...kept,
    thisSession: 're-read',
    otherSessions: 're-read',
    apiKeys: 're-read',
  },
} as const satisfies Record<string, Consequence>

export const consequenceOf = (event: EventName): Consequence => ({ ...consequences, ...besides })[event]

/** What may keep somebody from making a key, though the session goes on. */
export const isOfKeys = (event: EventName): boolean => event in besides && event !== 'signing key revoked'

/** How an event comes about. */
type Row = {
  readonly calls: (scene: Scene) => readonly Call[]
  /** What makes it possible, done before anything else happens. */
  readonly prepare?: (engine: Engine, scene: Scene, now: number) => Promise<Scene>
  /** It is about a refresh token, or what that rests on, which a session in a cookie has not. */
  readonly needsTokens?: true
}

const ofSession = (
  name: 'log out' | 'end all others' | 'delete' | 'remove the factor' | 'renew the recovery codes',
): Row => ({
  calls: ({ self }) => [{ name, session: self.session }],
})

const prepareRow =
  (toValues: (now: number, idle: number) => Parameters<typeof changeRow>[3]): Required<Row>['prepare'] =>
  async (engine, scene, now) => {
    const values = toValues(now, engine.settings.sessionIdleTtl)
    await changeRow(engine, scene.history, scene.self.session, values)
    return scene
  }

const showSelf: Row['calls'] = ({ self, holding }) => [show(self, holding)]

const joinSecrets = (held: Secrets, former: Secrets): Secrets => ({
  ...held,
  ids: [...held.ids, ...former.ids],
  mac: (...named) => held.mac(...named) ?? former.mac(...named),
})

/** As if the session had begun before the secret was changed: its token is made with a former one. */
const restOnFormer: Row['prepare'] = async (engine, scene) => {
  const { history, self } = scene
  const former = createSecrets([newSecret(systemRandom)], systemRandom)
  const secretId = former.newestId
  const secrets = joinSecrets(engine.secrets, former)
  await changeRow(engine, history, self.session, { secret: secretId })
  const query = engine.db.selectFrom('sessions').selectAll().where('id', '=', self.session)
  const text = makeRefreshToken(secrets, await query.executeTakeFirstOrThrow(), self.generation)
  return { ...scene, self: { ...self, text }, former: { secretId, secrets } }
}

const findKid: Row['prepare'] = async ({ db }, scene) => {
  const query = db.selectFrom('signing_keys').select('kid').where('state', '=', 'active')
  return { ...scene, kid: (await query.executeTakeFirstOrThrow()).kid }
}

/** The user is shown the secret of an authenticator app, in the session in which the event happens. */
const beginApp: Row['prepare'] = async (engine, scene) => {
  const owner = { userId: scene.history.person.userId, sessionId: scene.self.session, origin: systemOrigin }
  const { secret } = await beginTotp(engine, owner)
  return { ...scene, code: codeAt(secret, engine.clock.now()) }
}

/** The user has one role, which was made for this user alone. */
const giveRole: Row['prepare'] = async (engine, scene) => {
  const { history } = scene
  const name = `role-of-${history.person.username}`
  await createRole(engine, { name, description: '', permissions: ['posts:write'] }, systemOrigin)
  await happen(history, [{ engine, call: { name: 'change the roles', roles: [name] } }])
  history.user = { ...history.user, role: { name, allows: true } }
  return scene
}

/** As a mail has brought it: the user has an address, and a link to it or, for a change of it, to another one. */
const mailLink =
  (purpose: MailedPurpose): Required<Row>['prepare'] =>
  async (engine, scene) => {
    const { userId } = scene.history.person
    const address = `${userId}@example.org`
    await giveAddress(engine, userId, address)
    const isOther = purpose === 'verify-email' || purpose === 'undo-email'
    const email = isOther ? `other-${address}` : address
    const token = await giveLink(engine, purpose, userId, { email })
    return { ...scene, link: { token, version: scene.history.user.version } }
  }

const required = <T>(value: T | undefined): T => {
  if (value === undefined) throw new TypeError('the scene was not prepared for this event')
  return value
}

export const events: Readonly<Record<EventName, Row>> = {
  logout: ofSession('log out'),
  'session idle': { calls: showSelf, prepare: prepareRow((now, idle) => ({ lastUsed: now - idle })) },
  'session expired': { calls: showSelf, prepare: prepareRow(now => ({ expiresAt: now })) },
  'other session ended': {
    calls: ({ self, other }) => [{ name: 'end another', session: self.session, other: other.session }],
  },
  'all others ended': ofSession('end all others'),
  'all ended by administrator': { calls: () => [{ name: 'end all sessions' }] },
  'step-up': { calls: ({ self }) => [stepUp(self)] },
  'password changed': {
    calls: ({ self: { session } }) => [
      { name: 'change the password', session, password, next: 'yet another password' },
    ],
  },
  'second factor added': {
    calls: ({ self, code }) => [{ name: 'add a factor', session: self.session, code: required(code) }],
    prepare: beginApp,
  },
  'second factor removed': { ...ofSession('remove the factor'), prepare: giveApp },
  'second factors reset': { calls: () => [{ name: 'reset the factors' }], prepare: giveApp },
  'recovery codes renewed': { ...ofSession('renew the recovery codes'), prepare: giveApp },
  'password reset': {
    calls: ({ link }) => [
      { name: 'reset the password', ...required(link), next: 'a password of their own choice' },
    ],
    prepare: mailLink('reset-password'),
  },
  'password change forced': { calls: () => [{ name: 'force a change' }] },
  'e-mail change undone': {
    calls: ({ link }) => [{ name: 'undo a change of address', ...required(link) }],
    prepare: mailLink('undo-email'),
  },
  'denied by owner': {
    calls: ({ link }) => [{ name: 'say it was somebody else', ...required(link) }],
    prepare: mailLink('not-me'),
  },
  'e-mail changed': {
    calls: ({ link }) => [{ name: 'verify an address', ...required(link) }],
    prepare: mailLink('verify-email'),
  },
  'refresh token reused': { calls: ({ old }) => [show(required(old), 'tokens')], needsTokens: true },
  'refresh token ahead': {
    calls: showSelf,
    prepare: prepareRow(() => ({ generation: 1 })),
    needsTokens: true,
  },
  'roles changed': { calls: () => [{ name: 'change the roles', roles: ['moderator'] }] },
  'secret retired': {
    calls: ({ former }) => [{ name: 'retire the secret', secretId: required(former).secretId }],
    prepare: restOnFormer,
    needsTokens: true,
  },
  'signing key revoked': {
    calls: ({ kid }) => [{ name: 'revoke the signing key', kid: required(kid) }],
    prepare: findKid,
  },
  'API key revoked': {
    calls: ({ key }) => [{ name: 'revoke the key', key: required(key) }],
    prepare: giveApiKey,
  },
  'API key rotated': {
    calls: ({ self, key }) => [{ name: 'rotate the key', session: self.session, key: required(key) }],
    prepare: giveApiKey,
  },
  'role definition changed': {
    calls: ({ history }) => [{ name: 'narrow the role', role: required(history.user.role).name }],
    prepare: giveRole,
  },
  'user disabled': { calls: () => [{ name: 'disable' }] },
  'user deleted': ofSession('delete'),
  'user enabled': { calls: () => [{ name: 'disable' }, { name: 'enable' }] },
}

export const eventNames = Object.keys(events) as readonly EventName[]

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { changeRoles, disableUser, enableUser } from 'gatewright/administration'
import { inTransaction } from 'gatewright/transaction'
import { reviewAccess } from '../../packages/gatewright/src/access-review/review.ts'
import { adoptDatabase } from '../../packages/gatewright/src/administration/adopt-database.ts'
import {
  changeRole,
  createRole,
  deleteRole,
} from '../../packages/gatewright/src/administration/change-role.ts'
import { endAllSessions } from '../../packages/gatewright/src/administration/end-all-sessions.ts'
import { eraseAudit } from '../../packages/gatewright/src/administration/erase-audit.ts'
import { forcePasswordChange } from '../../packages/gatewright/src/administration/force-password-change.ts'
import { linkIdentity, unlinkIdentity } from '../../packages/gatewright/src/administration/identities.ts'
import { blockIssuer, unblockIssuer } from '../../packages/gatewright/src/administration/issuers.ts'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { retireSecret } from '../../packages/gatewright/src/administration/retire-secret.ts'
import { disableService } from '../../packages/gatewright/src/administration/services.ts'
import { revokeKey, rotateKeys } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { writeBackCutOffs } from '../../packages/gatewright/src/administration/write-back.ts'
import { endApiKeys } from '../../packages/gatewright/src/api-keys/api-keys.ts'
import {
  type AuditEventName,
  auditEvents,
  type FieldKind,
} from '../../packages/gatewright/src/audit/events.ts'
import type { Origin } from '../../packages/gatewright/src/audit/record.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { makeBackup } from '../../packages/gatewright/src/backups/make-backup.ts'
import { readRevocations, writeRevocations } from '../../packages/gatewright/src/backups/revocations-file.ts'
import { day, hour, minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { toForeignId } from '../../packages/gatewright/src/ground/foreign-id.ts'
import { linkExample } from '../../packages/gatewright/src/http/routes/identities.ts'
import { join as takePlace } from '../../packages/gatewright/src/processes/join.ts'
import { recordPruning } from '../../packages/gatewright/src/sealing/prune.ts'
import { readHead } from '../../packages/gatewright/src/sealing/seal-events.ts'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { signIn } from '../../packages/gatewright/src/sign-in/sign-in.ts'
import { databaseFile } from '../../packages/gatewright/src/storage/database.ts'
import type { VirtualPasskey } from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { type FailedSignIn, noteFailedSignIn } from '../../packages/gatewright/src/unusual/failed-sign-in.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { findUserByName } from '../../packages/gatewright/src/users/users.ts'
import { addService } from '../administration/added-service.ts'
import { testsDatabase } from '../environment.ts'
import { codeAt, enrol, plantTotp } from '../factors/enrolled.ts'
import { type Answer, type Call, password, startTestApp, type TestApp } from '../harness.ts'
import { type ExampleIssuer, startExampleIssuer } from '../issuers/example-issuer.ts'
import { giveAddress, giveLink } from '../mail/given-link.ts'
import { givePasskey } from '../passkeys/registered.ts'
import { type BreachService, startBreachService } from '../security/breach-service.ts'
import { plantDevice } from './given-device.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'

const window = 10 * second
const address = '192.0.2.7'
const newPassword = 'quite another password'
const stolenPassword = 'a phrase that was stolen'
const origin: Origin = { actor: 'command-line', address: null, requestId: null }

let t: TestApp
let breaches: BreachService
let issuer: ExampleIssuer
let connection: SecondConnection
let users = 0
/** Secrets that came by: none of them may stand in any row. */
const secrets = new Set<string>([password, newPassword, stolenPassword])

before(async () => {
  breaches = await startBreachService([stolenPassword])
  issuer = await startExampleIssuer()
  const limitsOverride = [{ policy: 'password-strength-address', count: 1, window: minute }]
  const checked = { breachCheck: 'warn', breachCheckUrl: breaches.url, limitsOverride } as const
  t = await startTestApp({ ...checked, ...issuer.settings })
  connection = openSecondConnection(t.engine)
})
after(async () => {
  connection.close()
  await t.close()
  await breaches.close()
  await issuer.close()
})

const call = async (method: string, path: string, options: Call = {}): Promise<Answer> => {
  const answer = await t.call(method, path, { address, ...options })
  for (const name of ['access_token', 'refresh_token'])
    if (answer.body?.[name]) secrets.add(answer.body[name])
  return answer
}

type Person = { id: string; username: string; access: string; refresh: string; sessionId: string }

const sidOf = (access: string): string =>
  JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()).sid.split('.')[0]

const hold = (person: Person, { status, body, text }: Answer): void => {
  assert.equal(status, 200, text)
  const [access, refresh] = [body.access_token, body.refresh_token]
  Object.assign(person, { access, refresh, sessionId: sidOf(access) })
}

const join = async (): Promise<Person> => {
  const username = `user${++users}`
  const { body } = await call('POST', 'register', { body: { username, password } })
  const person = { id: body.id, username, access: '', refresh: '', sessionId: '' }
  hold(person, await call('POST', 'login', { body: { username, password } }))
  return person
}

const showRefresh = (token: string): Promise<Answer> =>
  call('POST', 'refresh', { body: { refresh_token: token } })
const rotate = async (person: Person): Promise<void> => {
  t.clock.advance(window)
  hold(person, await showRefresh(person.refresh))
}

/** What one act should leave: who, in which session, from where, why, and with which facts. */
type Trace = {
  readonly user: string | null
  readonly actor: string | null
  readonly session?: string | null
  /** The answer whose request it was; none for the command line and the system. */
  readonly answer?: Answer
  readonly reason?: string
  readonly details?: object
  /** What is personal of it went with the rest of the user. */
  readonly isErased?: true
}

const kidOf = (state: string): string =>
  String(connection.row('select kid from signing_keys where state = ?', state)?.kid)

const signInAsRoot = async (): Promise<{ readonly token: string; readonly id: string }> => {
  const { body } = await call('POST', 'login', { body: { username: 'root', password } })
  const me = await call('GET', 'me', { token: body.access_token })
  return { token: body.access_token, id: me.body.id }
}

/** How each event comes about, and what its row should say. */
const acts: Record<AuditEventName, () => Promise<Trace>> = {
  'signing-key.made': async () => {
    return { user: null, actor: 'system', details: { kid: kidOf('published'), algorithm: 'ES256' } }
  },
  'audit.pruned': async () => {
    await t.engine.sealer.look()
    const before = t.clock.now() + 1
    const pruning = { before, origin: systemOrigin }
    const to = await inTransaction(t.engine.db, work => recordPruning(t.engine, work, pruning))
    const hash = connection.row('select hash from audit_prunings where to_position = ?', to ?? 0)?.hash
    return { user: null, actor: 'system', details: { from: 1, to, hash } }
  },
  'audit-key.made': async () => {
    const checkpoint = await t.engine.sealer.look().then(t.engine.sealer.sign)
    const { key, public_key } = checkpoint ?? {}
    return { user: null, actor: 'system', details: { key, public_key } }
  },
  'signing-key.activated': async () => ({
    user: null,
    actor: 'system',
    details: { kid: kidOf('active') },
  }),
  'signing-key.rotation-asked': async () => {
    const kid = kidOf('active')
    await rotateKeys(t.engine, origin)
    return { user: null, actor: 'command-line', details: { kid } }
  },
  'signing-key.retired': async () => ({
    user: null,
    actor: 'command-line',
    details: { kid: kidOf('retired') },
  }),
  'signing-key.revoked': async () => {
    const kid = kidOf('active')
    await revokeKey(t.engine, { kid, origin })
    return { user: null, actor: 'command-line', details: { kid } }
  },
  'signing-key.gone': async () => {
    const kid = kidOf('retired')
    t.clock.advance(hour)
    await t.engine.keyRing.turn()
    return { user: null, actor: 'system', details: { kid } }
  },
  'device.forgotten': async () => {
    const { id, access } = await join()
    const device = await plantDevice(t.engine, id)
    const answer = await call('DELETE', `me/known-devices/${device}`, { token: access })
    secrets.add(answer.body.undo_token)
    return { user: id, actor: id, session: sidOf(access), answer, details: { device } }
  },
  'device.brought-back': async () => {
    const { id, access } = await join()
    const device = await plantDevice(t.engine, id)
    const { body } = await call('DELETE', `me/known-devices/${device}`, { token: access })
    secrets.add(body.undo_token)
    const undo = { undo_token: body.undo_token }
    const answer = await call('POST', 'me/known-devices/undo', { token: access, body: undo })
    return { user: id, actor: id, session: sidOf(access), answer, details: { device } }
  },
  'api-key.made': async () => {
    const { id, access } = await join()
    const body = { name: 'reports', permissions: ['todos:read'], allowed_addresses: ['192.0.2.1'] }
    const answer = await call('POST', 'api-keys', { token: access, body })
    secrets.add(answer.body.key)
    const details = { ...body, key: answer.body.id, expires_at: null }
    return { user: id, actor: id, answer, details }
  },
  'api-key.rotated': async () => {
    const { id, access } = await join()
    const { body } = await call('POST', 'api-keys', {
      token: access,
      body: { name: 'reports', permissions: ['todos:read'] },
    })
    const answer = await call('POST', `api-keys/${body.id}/rotate`, { token: access })
    for (const { key } of [body, answer.body]) secrets.add(key)
    const kept = { name: 'reports', permissions: ['todos:read'], allowed_addresses: [], expires_at: null }
    const ends = t.clock.now() + day
    const details = { ...kept, key: answer.body.id, replaces: body.id, replaced_ends_at: ends }
    return { user: id, actor: id, answer, details }
  },
  'api-key.ended': async () => {
    const { id: user } = await join()
    const key = { id: 'k1', user_id: user, name: 'reports', secret_hash: '', permissions: '' }
    await t.engine.db
      .insertInto('api_keys')
      .values({ ...key, allowed_addresses: '', address: '', created_at: 1 })
      .execute()
    await inTransaction(t.engine.db, work =>
      endApiKeys(t.engine, work, { userId: user }, { reason: 'revoked', origin }),
    )
    return { user, actor: 'command-line', reason: 'revoked', details: { key: 'k1', name: 'reports' } }
  },
  'cut-offs.written-back': async () => {
    const until = t.clock.now()
    const lost = { kind: 'session', subject: 'lost', version: null, matters_until: until }
    await writeBackCutOffs(t.engine, [lost])
    return { user: null, actor: 'system', details: { count: 1 } }
  },
  'setup-link.made': async () => {
    const link = await openSetupLink(t.engine)
    assert.ok(link.state === 'made')
    secrets.add(link.token)
    setupToken = link.token
    return { user: null, actor: 'system' }
  },
  'administrator.set-up': async () => {
    const body = { token: setupToken, username: 'root', password }
    const answer = await call('POST', 'setup', { body })
    return { user: answer.body.id, actor: answer.body.id, answer, details: { roles: ['admin'] } }
  },
  'user.registered': async () => {
    const body = { username: 'newcomer', password, email: 'newcomer@example.org' }
    const answer = await call('POST', 'register', { body })
    return { user: answer.body.id, actor: answer.body.id, answer, details: { roles: ['user'] } }
  },
  'password.taken-with-doubt': async () => {
    const body = { username: 'doubtful', password: stolenPassword }
    const answer = await call('POST', 'register', { body })
    const user = answer.body.id
    return { user, actor: user, answer, reason: 'breached_password' }
  },
  'user.invited': async () => {
    const { body } = await call('POST', 'login', { body: { username: 'root', password } })
    const me = await call('GET', 'me', { token: body.access_token })
    const invited = { email: 'invited@example.org' }
    const answer = await call('POST', 'admin/users', { token: body.access_token, body: invited })
    const details = { invitation: answer.body.id, roles: ['user'] }
    return { user: null, actor: me.body.id, answer, details }
  },
  'access.explained': async () => {
    const { id: user, username } = await join()
    const { body } = await call('POST', 'login', { body: { username: 'root', password } })
    const token = body.access_token
    const me = await call('GET', 'me', { token })
    const asked = { user: username, permission: 'users:write' }
    const answer = await call('POST', 'admin/explain', { token, body: asked })
    const said = { asked: 'permission users:write', allowed: false, code: 'insufficient_permission' }
    return { user, actor: me.body.id, answer, details: { ...said, credential: null } }
  },
  'access-review.signed-off': async () => {
    const { token, id } = await signInAsRoot()
    const { digest, isComplete, findings } = await reviewAccess(t.engine, 90)
    const answer = await call('POST', 'admin/access-review/sign-offs', {
      token,
      body: { digest, comment: 'All is well' },
    })
    const seen = { digest, unused_for: 90, findings: findings.length, complete: isComplete }
    return { user: null, actor: id, answer, details: { ...seen, comment: 'All is well' } }
  },
  'access-review.exported': async () => {
    const { token, id } = await signInAsRoot()
    const { digest, isComplete, findings } = await reviewAccess(t.engine, 30)
    const answer = await call('GET', 'admin/access-review/export?unused_for=30d', { token })
    const details = { digest, unused_for: 30, findings: findings.length, complete: isComplete }
    return { user: null, actor: id, answer, details }
  },
  'invitation.revoked': async () => {
    const { body } = await call('POST', 'login', { body: { username: 'root', password } })
    const token = body.access_token
    const me = await call('GET', 'me', { token })
    const { body: made } = await call('POST', 'admin/users', { token, body: { email: 'taken@example.org' } })
    const answer = await call('DELETE', `admin/invitations/${made.id}`, { token })
    return { user: null, actor: me.body.id, answer, details: { invitation: made.id } }
  },
  'link.made': async () => {
    const { id } = await join()
    const reason = 'prove-email'
    await giveLink(t.engine, reason, id, { email: 'linked@example.org' })
    const link = connection.row('select id from codes where user_id = ?', id)?.id
    return { user: id, actor: 'system', reason, details: { link } }
  },
  'link.refused': async () => {
    const body = { invitation: 'unknown', username: 'stranger', password }
    const answer = await call('POST', 'register', { body })
    return { user: null, actor: null, answer, reason: 'invitation' }
  },
  'user.created': async () => {
    const { body } = await call('POST', 'login', { body: { username: 'root', password } })
    const me = await call('GET', 'me', { token: body.access_token })
    const user = { username: 'helper', password, roles: ['user', 'moderator'] }
    const answer = await call('POST', 'users', { token: body.access_token, body: user })
    return { user: answer.body.id, actor: me.body.id, answer, details: { roles: ['moderator', 'user'] } }
  },
  'service.created': async () => {
    const { token, id: actor } = await signInAsRoot()
    const body = { name: 'robot', roles: ['user'] }
    const answer = await call('POST', 'admin/services', { token, body })
    return { user: answer.body.id, actor, answer, details: { roles: ['user'] } }
  },
  'service.roles-changed': async () => {
    const { token, id: actor } = await signInAsRoot()
    const { id: user } = await addService(t.engine)
    const body = { roles: ['moderator'] }
    const answer = await call('PUT', `admin/services/${user}/roles`, { token, body })
    return { user, actor, answer, details: { before: ['user'], after: ['moderator'] } }
  },
  'service.disabled': async () => {
    const { token, id: actor } = await signInAsRoot()
    const { id: user } = await addService(t.engine)
    const answer = await call('POST', `admin/services/${user}/disable`, { token })
    return { user, actor, answer }
  },
  'service.enabled': async () => {
    const { token, id: actor } = await signInAsRoot()
    const { id: user } = await addService(t.engine)
    await disableService(t.engine, { serviceId: user, origin })
    const answer = await call('POST', `admin/services/${user}/enable`, { token })
    return { user, actor, answer }
  },
  'service.deleted': async () => {
    const { token, id: actor } = await signInAsRoot()
    const { id: user } = await addService(t.engine)
    const answer = await call('DELETE', `admin/services/${user}`, { token })
    return { user, actor, answer }
  },
  'passkey.cloned': async () => {
    const { id } = await join()
    const passkey = await givePasskey(t.engine, id)
    const show = async (shown: VirtualPasskey): Promise<Answer> => {
      const { body } = await call('POST', 'login/passkey/options')
      return call('POST', 'login/passkey', { body: { response: shown.get(body) } })
    }
    const clone = passkey.clone()
    assert.equal((await show(passkey)).status, 200)
    const answer = await show(clone)
    return { user: id, actor: null, answer, details: { passkey: passkey.id } }
  },
  'audit.exported': async () => {
    const { token, id: actor } = await signInAsRoot()
    const answer = await call('GET', 'admin/audit/export?event=setup-link.made', { token })
    return {
      user: null,
      actor,
      session: sidOf(token),
      answer,
      details: { personal: false, event: 'setup-link.made' },
    }
  },
  'audit.erased': async () => {
    const { id } = await join()
    const rows = connection.rows('select id from audit_events where user_id = ? order by id', id)
    const told = connection.rows('select event_id from audit_personal')
    const ids = rows.map(row => Number(row.id)).filter(each => told.some(row => row.event_id === each))
    await eraseAudit(t.engine, { userId: id, reason: 'asked_for', origin })
    const events =
      ids.length > 1 && ids.at(-1) === Number(ids[0]) + ids.length - 1
        ? [`${ids[0]}-${ids.at(-1)}`]
        : ids.map(String)
    return { user: id, actor: 'command-line', reason: 'asked_for', details: { events, count: ids.length } }
  },
  'issuer.blocked': async () => {
    await blockIssuer(t.engine, { issuer: 'https://a.example', origin })
    return { user: null, actor: 'command-line', details: { issuer: 'https://a.example' } }
  },
  'issuer.unblocked': async () => {
    await blockIssuer(t.engine, { issuer: 'https://b.example', origin })
    await unblockIssuer(t.engine, { issuer: 'https://b.example', origin })
    return { user: null, actor: 'command-line', details: { issuer: 'https://b.example' } }
  },
  'issuer.token-used': async () => {
    const token = issuer.token(t.clock.now(), 'nightly')
    secrets.add(token)
    const answer = await call('GET', 'users', { token })
    await t.engine.foreignUses.stop()
    const { issuer: name } = linkExample
    const id = toForeignId(name, 'nightly')
    const details = { issuer: name, subject: 'nightly', client: 'app' }
    return { user: id, actor: id, session: id, answer, details }
  },
  'identity.linked': async () => {
    const { id } = await join()
    const named = { issuer: 'https://a.example', subject: 's1' }
    await linkIdentity(t.engine, { ...named, userId: id, origin })
    return { user: id, actor: 'command-line', details: named }
  },
  'identity.unlinked': async () => {
    const { id } = await join()
    const named = { issuer: 'https://a.example', subject: 's2' }
    await linkIdentity(t.engine, { ...named, userId: id, origin })
    await unlinkIdentity(t.engine, { ...named, userId: id, origin })
    return { user: id, actor: 'command-line', details: named }
  },
  'user.disabled': async () => {
    const { id } = await join()
    const said = 'left the company'
    await disableUser(t.engine, { userId: id, reason: said, origin })
    return { user: id, actor: 'command-line', details: { said } }
  },
  'user.enabled': async () => {
    const { id } = await join()
    await disableUser(t.engine, { userId: id, origin })
    await enableUser(t.engine, { userId: id, origin })
    return { user: id, actor: 'command-line' }
  },
  'user.deleted': async () => {
    const { id, access } = await join()
    const answer = await call('DELETE', 'me', { token: access })
    return { user: id, actor: id, answer, isErased: true }
  },
  'user.roles-changed': async () => {
    const { id } = await join()
    await changeRoles(t.engine, { userId: id, roles: ['user', 'moderator'], origin })
    const details = { before: ['user'], after: ['moderator', 'user'] }
    return { user: id, actor: 'command-line', details }
  },
  'role.created': async () => {
    const role = { name: 'reader', description: 'reads', permissions: ['users:read'] }
    await createRole(t.engine, role, origin)
    const details = { role: 'reader', description: 'reads', permissions: ['users:read'] }
    return { user: null, actor: 'command-line', details }
  },
  'role.changed': async () => {
    await createRole(t.engine, { name: 'writer', description: '', permissions: ['users:read'] }, origin)
    await changeRole(t.engine, { name: 'writer', permissions: ['posts:write'], origin })
    const change = { before: ['users:read'], after: ['posts:write'] }
    const details = { role: 'writer', ...change, description_before: '', description: '' }
    return { user: null, actor: 'command-line', details }
  },
  'role.deleted': async () => {
    await createRole(t.engine, { name: 'nobodys', description: '', permissions: ['users:read'] }, origin)
    await deleteRole(t.engine, { name: 'nobodys', origin })
    return { user: null, actor: 'command-line', details: { role: 'nobodys', before: ['users:read'] } }
  },
  'user.password-changed': async () => {
    const { id, access, sessionId } = await join()
    const body = { current_password: password, new_password: newPassword }
    const answer = await call('PUT', 'me/password', { token: access, body })
    return { user: id, actor: id, session: sessionId, answer }
  },
  'user.email-change-asked': async () => {
    const { id, access, sessionId } = await join()
    const answer = await call('POST', 'me/email', { token: access, body: { email: 'new@example.org' } })
    return { user: id, actor: id, session: sessionId, answer }
  },
  'user.email-verified': async () => {
    const { id } = await join()
    const token = await giveLink(t.engine, 'verify-email', id, { email: 'first@example.org' })
    const answer = await call('POST', 'email/verify', { body: { token } })
    return { user: id, actor: id, answer }
  },
  'user.email-changed': async () => {
    const { id } = await join()
    await giveAddress(t.engine, id, 'former@example.org')
    const token = await giveLink(t.engine, 'verify-email', id, { email: 'later@example.org' })
    const answer = await call('POST', 'email/verify', { body: { token } })
    return { user: id, actor: id, answer }
  },
  'user.email-change-undone': async () => {
    const { id } = await join()
    await giveAddress(t.engine, id, 'thief@example.org')
    const token = await giveLink(t.engine, 'undo-email', id, { email: 'owner@example.org' })
    const answer = await call('POST', 'email/undo', { body: { token } })
    return { user: id, actor: id, answer }
  },
  'user.denied': async () => {
    const { id } = await join()
    await giveAddress(t.engine, id, 'denying@example.org')
    const token = await giveLink(t.engine, 'not-me', id, { email: 'denying@example.org' })
    const answer = await call('POST', 'email/not-me', { body: { token } })
    return { user: id, actor: id, answer }
  },
  'known-device.proved': async () => {
    const { id } = await join()
    const token = await giveLink(t.engine, 'prove-email', id, { email: 'proved@example.org' })
    const answer = await call('POST', 'sign-in/prove', { body: { token } })
    return { user: id, actor: id, answer }
  },
  'user.password-reset': async () => {
    const { id } = await join()
    await giveAddress(t.engine, id, 'forgetful@example.org')
    const token = await giveLink(t.engine, 'reset-password', id, { email: 'forgetful@example.org' })
    const answer = await call('POST', 'password/reset', { body: { token, new_password: newPassword } })
    return { user: id, actor: id, answer }
  },
  'sign-in.failed': async () => {
    const { id, username } = await join()
    const answer = await call('POST', 'login', { body: { username, password: newPassword } })
    return { user: id, actor: null, answer, reason: 'wrong_password' }
  },
  'credential.refused': async () => {
    const { id, access, sessionId } = await join()
    await call('POST', 'logout', { token: access })
    const answer = await call('GET', 'me', { token: access })
    await t.engine.refusals.write()
    const details = { count: 1, last_at: t.clock.now(), last_request_id: answer.headers['x-request-id'] }
    return { user: id, actor: null, session: sessionId, answer, reason: 'logout', details }
  },
  'access.refused': async () => {
    const { id, access, sessionId } = await join()
    const answer = await call('GET', 'admin/settings', { token: access })
    await t.engine.refusals.write()
    const counted = { count: 1, last_at: t.clock.now(), last_request_id: answer.headers['x-request-id'] }
    const details = { ...counted, lacks: 'permission settings:read' }
    return { user: id, actor: id, session: sessionId, answer, reason: 'insufficient_permission', details }
  },
  'limit.exceeded': async () => {
    while ((await t.engine.limiter.take('password-strength', { address })).allowed);
    const answer = await call('POST', 'password/strength', { body: { password } })
    assert.equal(answer.status, 429)
    await t.engine.refusals.write()
    const details = { count: 1, last_at: t.clock.now(), last_request_id: answer.headers['x-request-id'] }
    return { user: null, actor: null, answer, reason: 'password-strength', details }
  },
  'request.refused': async () => {
    const { access } = await join()
    const answer = await call('GET', 'me', { token: access, headers: { 'x-api-key': 'gwk_AAAA' } })
    await t.engine.refusals.write()
    const details = { count: 1, last_at: t.clock.now(), last_request_id: answer.headers['x-request-id'] }
    return { user: null, actor: null, answer, reason: 'several_credentials', details }
  },
  'session.started': async () => {
    const person = await join()
    const { username, id } = person
    const answer = await call('POST', 'login', { body: { username, password } })
    hold(person, answer)
    return { user: id, actor: id, session: person.sessionId, answer, details: { amr: ['pwd'] } }
  },
  'second-factor.added': async () => {
    const { id, access, sessionId } = await join()
    const { body } = await call('POST', 'me/totp', { token: access })
    secrets.add(body.secret)
    const code = codeAt(body.secret, t.clock.now())
    const answer = await call('POST', 'me/totp/confirm', { token: access, body: { code } })
    for (const each of answer.body.recovery_codes) secrets.add(each)
    return { user: id, actor: id, session: sessionId, answer, details: { method: 'totp' } }
  },
  'second-factor.removed': async () => {
    const { id, access, sessionId } = await join()
    await plantTotp(t.engine, id)
    const answer = await call('DELETE', 'me/totp', { token: access })
    return { user: id, actor: id, session: sessionId, answer, details: { method: 'totp' } }
  },
  'user.exported': async () => {
    const { id, access, sessionId } = await join()
    const answer = await call('GET', 'me/export', { token: access })
    return { user: id, actor: id, session: sessionId, answer }
  },
  'user.password-change-forced': async () => {
    const { id } = await join()
    const said = 'the laptop was stolen'
    await forcePasswordChange(t.engine, { userId: id, reason: said, origin })
    return { user: id, actor: 'command-line', details: { way: 'at_the_next_sign-in', said } }
  },
  'user.password-change-asked': async () => {
    const { id, username } = await join()
    await forcePasswordChange(t.engine, { userId: id, origin })
    const answer = await call('POST', 'login', { body: { username, password } })
    secrets.add(answer.body.password_token)
    return { user: id, actor: null, answer, details: { amr: ['pwd'] } }
  },
  'second-factors.reset': async () => {
    const { id } = await join()
    await plantTotp(t.engine, id)
    const said = 'the telephone was lost'
    await resetFactors(t.engine, { userId: id, reason: said, origin })
    return { user: id, actor: 'command-line', details: { methods: ['totp'], said } }
  },
  'second-factor.asked': async () => {
    const { id, username } = await join()
    await plantTotp(t.engine, id)
    const answer = await call('POST', 'login', { body: { username, password } })
    secrets.add(answer.body.mfa_token)
    return { user: id, actor: null, answer, details: { amr: ['pwd'], methods: ['totp'] } }
  },
  'second-factor.failed': async () => {
    const { id, username } = await join()
    await plantTotp(t.engine, id)
    const { body } = await call('POST', 'login', { body: { username, password } })
    const shown = { mfa_token: body.mfa_token, method: 'totp', code: 'abcdef' }
    const answer = await call('POST', 'login/mfa', { body: shown })
    return { user: id, actor: null, answer, reason: 'wrong_code', details: { method: 'totp' } }
  },
  'recovery-codes.renewed': async () => {
    const { id, access, sessionId } = await join()
    await plantTotp(t.engine, id)
    const answer = await call('POST', 'me/recovery-codes', { token: access })
    for (const each of answer.body.recovery_codes) secrets.add(each)
    return { user: id, actor: id, session: sessionId, answer }
  },
  'recovery-code.used': async () => {
    const { id, username, sessionId } = await join()
    const { recoveryCodes } = await enrol(t.engine, id, sessionId)
    for (const each of recoveryCodes) secrets.add(each)
    const { body } = await call('POST', 'login', { body: { username, password } })
    const shown = { mfa_token: body.mfa_token, method: 'recovery_code', code: recoveryCodes[0] }
    const answer = await call('POST', 'login/mfa', { body: shown })
    assert.equal(answer.status, 200, answer.text)
    return { user: id, actor: id, answer, details: { left: 9 } }
  },
  'session.refreshed': async () => {
    const { id, refresh, sessionId } = await join()
    t.clock.advance(window)
    const answer = await showRefresh(refresh)
    return { user: id, actor: id, session: sessionId, answer, details: { shown: 1, live: 1 } }
  },
  'session.refresh-retried': async () => {
    const person = await join()
    const { refresh: old, sessionId, id } = person
    await rotate(person)
    const answer = await showRefresh(old)
    return { user: id, actor: id, session: sessionId, answer, details: { shown: 1, live: 2 } }
  },
  'session.renewed': async () => {
    const { id, access, sessionId } = await join()
    const answer = await call('POST', 'step-up', { token: access, body: { password } })
    const session = sidOf(answer.body.access_token)
    return { user: id, actor: id, session, answer, details: { replaces: sessionId, amr: ['pwd'] } }
  },
  'session.ended': async () => {
    const { id, access, sessionId } = await join()
    const answer = await call('POST', 'logout', { token: access })
    return { user: id, actor: id, session: sessionId, answer, reason: 'logout' }
  },
  'refresh-token.reused': async () => {
    const person = await join()
    const { refresh: old, sessionId, id } = person
    await rotate(person)
    t.clock.advance(window)
    const answer = await showRefresh(old)
    return { user: id, actor: id, session: sessionId, answer, details: { shown: 1, live: 2 } }
  },
  'refresh-token.ahead': async () => {
    const person = await join()
    const { sessionId, id } = person
    await rotate(person)
    await connection.run('update sessions set generation = 1 where id = ?', sessionId)
    const answer = await showRefresh(person.refresh)
    return { user: id, actor: id, session: sessionId, answer, details: { shown: 2, live: 1 } }
  },
  'secret.retired': async () => {
    const { sessionId } = await join()
    await connection.run(`update sessions set secret_id = 'former' where id = ?`, sessionId)
    await retireSecret(t.engine, { secretId: 'former', origin })
    return { user: null, actor: 'command-line', details: { secret: 'former', sessions: 1 } }
  },
  'secret.put-in-force': async () => {
    const former = t.engine.secrets.newestId
    const other = { kind: 'server', version: '1', host: 'h', machine: 'm', feedKinds: [] } as const
    const rest = {
      id: 'other',
      clockDifference: null,
      addressTrouble: null,
      startedAt: 0,
      secretIds: ['newer', former],
    }
    await connection.run('delete from processes')
    await inTransaction(t.engine.db, work => takePlace(t.engine, work, { ...other, ...rest }))
    await connection.run(`delete from processes where id = 'other'`)
    await connection.run('update installation set secret_id = ?', former)
    return { user: null, actor: 'system', details: { secret: 'newer', former } }
  },
  'session.all-ended': async () => {
    const { sessions, keys } = await endAllSessions(t.engine, origin)
    return { user: null, actor: 'command-line', details: { sessions, signing_keys: keys } }
  },
  'backup.made': async () => {
    const folder = mkdtempSync(`${tmpdir()}/gatewright-backup-`)
    const asked = { to: `${folder}/made.backup`, replace: false }
    const { manifest, counts } = await makeBackup({ ...t.engine, version: '1.0.0' }, asked)
    rmSync(folder, { recursive: true })
    const rows = Object.values(counts.tables).reduce((sum, count) => sum + count, 0)
    return { user: null, actor: 'command-line', details: { sealed_to: manifest.sealed_to, rows } }
  },
  'revocations.replayed': async () => {
    const folder = mkdtempSync(`${tmpdir()}/gatewright-backup-`)
    const to = `${folder}/gatewright.revocations`
    await writeRevocations(t.engine, { to, replace: false })
    const later = await readRevocations(to, t.engine.secrets)
    rmSync(folder, { recursive: true })
    const file = testsDatabase.kind === 'sqlite' ? databaseFile(t.engine.settings.databaseUrl) : undefined
    const { taken } = await adoptDatabase(t.engine, { origin, file, later })
    return { user: null, actor: 'command-line', details: { as_of: later.heading.made_at, ...taken } }
  },
  'database.adopted': async () => {
    const file = testsDatabase.kind === 'sqlite' ? databaseFile(t.engine.settings.databaseUrl) : undefined
    const adopted = await adoptDatabase(t.engine, { origin, file })
    return {
      user: null,
      actor: 'command-line',
      details: {
        sessions: adopted.sessions,
        api_keys: adopted.apiKeys,
        signing_keys: adopted.keys,
        sealed_to: (await readHead(t.engine.db)).position,
      },
    }
  },
  'unusual.many-users-one-address': async () => {
    await failAt('nobody-at-all', 'nobody-else')
    return { user: null, actor: 'command-line', details: { count: 2 } }
  },
  'unusual.many-failures': async () => {
    const { id, username } = await join()
    await failAt(username, username)
    return { user: id, actor: 'command-line', details: { count: 2 } }
  },
  'unusual.one-password-many-users': async () => {
    const wrong = { password: parsePassword('one wrong password') }
    for (const name of ['nobody-at-all', 'nobody-else']) await fail({ name, user: undefined, wrong })
    return { user: null, actor: 'command-line', details: { count: 2 } }
  },
  'unusual.success-after-failures': async () => {
    const { id, username } = await join()
    await failAt(username, username)
    const asked = { name: username, password: parsePassword(password), device: '', origin }
    const { session } = await signIn(sensitive(), asked)
    return { user: id, actor: id, session: session.id, details: { count: 2 } }
  },
  'unusual.new-device': async () => {
    const { id, username } = await join()
    const headers = { 'user-agent': 'another/1.0' }
    const answer = await call('POST', 'login', { headers, body: { username, password } })
    return { user: id, actor: id, session: sidOf(answer.body.access_token), answer }
  },
  'unusual.wrong-factor': async () => {
    const { id, username } = await join()
    await plantTotp(t.engine, id)
    const { body } = await call('POST', 'login', { body: { username, password } })
    const shown = { mfa_token: body.mfa_token, method: 'totp', code: '000000' }
    const wrong = () => call('POST', 'login/mfa', { body: shown })
    await wrong()
    await wrong()
    return { user: id, actor: null, answer: await wrong() }
  },
  'unusual.refresh-reuse': async () => {
    const person = await join()
    const { refresh: old, sessionId, id } = person
    await rotate(person)
    t.clock.advance(window)
    const answer = await showRefresh(old)
    return { user: id, actor: id, session: sessionId, answer }
  },
  'unusual.administrator-from-new-network': async () => {
    const { id, username } = await join()
    await changeRoles(t.engine, { userId: id, roles: ['user', 'admin'], origin })
    const body = { username, password }
    await call('POST', 'login', { address: '203.0.113.9', body })
    const answer = await call('POST', 'login', { body })
    return { user: id, actor: id, session: sidOf(answer.body.access_token), answer }
  },
}
let setupToken = ''

/** What is noted under thresholds of two. */
const sensitive = () => ({ ...t.engine, settings: { ...t.engine.settings, limitsScale: 0.01 } })

const fail = (failed: Omit<FailedSignIn, 'origin'>) =>
  inTransaction(t.engine.db, work => noteFailedSignIn(sensitive(), work, { ...failed, origin }))

const failAt = async (...names: readonly string[]): Promise<void> => {
  for (const name of names)
    await fail({ name, user: await findUserByName(t.engine.db, name), wrong: undefined })
}

/** As the table of events says which of them are personal. */
const splitDetails = (event: AuditEventName, details: object) => {
  const fields: Readonly<Record<string, FieldKind>> = auditEvents[event].fields
  const of = (kind: FieldKind) => Object.entries(details).filter(([field]) => fields[field] === kind)
  return { plain: Object.fromEntries(of('plain')), personal: Object.fromEntries(of('personal')) }
}

const listRows = (event: string) =>
  connection.rows('select * from audit_events where event = ? order by id desc', event)

describe('every audit event', () => {
  for (const [event, act] of Object.entries(acts) as [AuditEventName, () => Promise<Trace>][])
    test(`${event} is written with its user, actor, session, address, request and reason`, async () => {
      const { user, actor, session = null, answer, reason = null, details = {}, isErased } = await act()
      const { id, commitments, details: written, ...row } = listRows(event)[0] ?? { details: '{}' }
      const from = answer === undefined ? null : address
      const { plain, personal } = splitDetails(event, details)
      assert.deepEqual(
        { ...row, details: JSON.parse(String(written)) },
        {
          at: t.clock.now(),
          event,
          user_id: user,
          actor,
          api_key_id: null,
          session_id: session,
          address: null,
          request_id: answer?.headers['x-request-id'] ?? null,
          reason,
          details: plain,
        },
      )
      const beside = connection.row('select * from audit_personal where event_id = ?', Number(id))
      if (isErased)
        return assert.deepEqual(
          [beside, Object.keys(JSON.parse(String(commitments)))],
          [undefined, ['address']],
        )
      assert.equal(beside === undefined, commitments === '{}')
      assert.equal(beside?.address ?? null, from)
      assert.deepEqual(JSON.parse(String(beside?.details ?? '{}')), personal)
      const fields = { ...(from !== null && { address: from }), ...personal }
      const committed = Object.entries(fields).map(([field, value]) => [
        field,
        createHmac('sha256', Buffer.from(String(beside?.salt), 'base64url'))
          .update(`${field}\0${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .digest('base64url'),
      ])
      assert.deepEqual(JSON.parse(String(commitments)), Object.fromEntries(committed))
    })

  test('has a description for people, and no event has a name that is not described', () => {
    assert.deepEqual(Object.keys(acts).sort(), Object.keys(auditEvents).sort())
    for (const { when } of Object.values(auditEvents)) assert.match(when, /^[A-Z].+\.$/)
    const written = connection.rows('select distinct event from audit_events').map(({ event }) => event)
    assert.deepEqual(written.sort(), Object.keys(auditEvents).sort())
  })
})

test('no row holds a password, a token, a hash or a random value of a session', () => {
  const tables = ['audit_events', 'audit_personal']
  const rows = JSON.stringify(tables.map(table => connection.rows(`select * from ${table}`)))
  const kept = [
    ...connection.rows('select password_hash as secret from users where password_hash is not null'),
    ...connection.rows('select refresh_key as secret from sessions'),
  ]
  assert.ok(secrets.size > 10 && kept.length > 10)
  for (const secret of [...secrets, ...kept.map(row => String(row.secret))])
    assert.ok(!rows.includes(secret), 'a secret stands in the audit log')
  // A random id may well hold "eyJ" or "gwr_": a JWT is known by the two parts that begin so, a token by its beginning.
  for (const shape of [/(?<![\w-])gwr_/, /\$argon2/, /eyJ[\w-]*\.eyJ/]) assert.doesNotMatch(rows, shape)
})

describe('a failed sign-in', () => {
  const rows: Record<string, { readonly body: object; readonly reason: string }> = {
    'of an unknown user': { body: { username: 'nobody', password }, reason: 'unknown_user' },
    'of an unknown address': { body: { username: 'x@example.org', password }, reason: 'unknown_user' },
  }
  for (const [name, { body, reason }] of Object.entries(rows))
    test(`${name} is a row without a user, and without what was typed`, async () => {
      const answer = await call('POST', 'login', { body })
      const row = listRows('sign-in.failed')[0]
      assert.deepEqual([row?.user_id, row?.actor, row?.reason], [null, null, reason])
      assert.equal(row?.request_id, answer.headers['x-request-id'])
      assert.equal(row?.details, '{}')
    })

  test('at a step-up names the user, who is also the one that acts', async () => {
    const { id, access } = await join()
    await call('POST', 'step-up', { token: access, body: { password: newPassword } })
    const row = listRows('sign-in.failed')[0]
    assert.deepEqual([row?.user_id, row?.actor, row?.reason], [id, id, 'wrong_password'])
  })
})

test('a session that an administrator of the machine ended names who did it, not its owner', async () => {
  const { id, sessionId } = await join()
  await disableUser(t.engine, { userId: id, origin })
  const row = connection.row(
    "select * from audit_events where session_id = ? and event = 'session.ended'",
    sessionId,
  )
  assert.deepEqual([row?.user_id, row?.actor, row?.reason], [id, 'command-line', 'user_disabled'])
})

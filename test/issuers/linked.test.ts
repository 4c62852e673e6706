import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { show } from '../../apps/blog/test/call.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { endAllSessions as signEverybodyOut } from '../../packages/gatewright/src/administration/end-all-sessions.ts'
import { endAllSessions as endUserSessions } from '../../packages/gatewright/src/administration/end-user-sessions.ts'
import { forcePasswordChange } from '../../packages/gatewright/src/administration/force-password-change.ts'
import { linkIdentity, unlinkIdentity } from '../../packages/gatewright/src/administration/identities.ts'
import { changeRoles, disableUser, enableUser } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { addService } from '../administration/added-service.ts'
import { startTestApp } from '../harness.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { newRsaKey, startIssuer, toToken } from './local-issuer.ts'
import { parseIssuers, plainEntry, type Scene, startScene } from './scene.ts'

let scene: Scene
before(async () => {
  scene = await startScene({
    local_user: 'required',
    permissions: {
      'read:users': ['users:read'],
      'write:posts': ['posts:write'],
      moderate: ['posts:moderate'],
    },
  })
})
after(() => scene.close())

const ask = async (token: string, path = 'users'): Promise<string> =>
  show(await scene.t.call('GET', path, { token }))

let count = 0
/** A user, and a subject that is linked to it. */
const linked = async (roles: readonly string[] = ['user']) => {
  const name = `linked${++count}`
  const user = await addUser(scene.t.engine, name, { roles })
  const link = { issuer: scene.local.issuer, subject: `sub-${name}`, userId: user.id, origin }
  await linkIdentity(scene.t.engine, link)
  return { user, link, token: scene.token({ sub: link.subject, scope: 'read:users write:posts moderate' }) }
}

test('a subject that is not linked is refused, until it is', async () => {
  const { engine } = scene.t
  const user = await addUser(engine, 'late')
  const token = scene.token({ sub: 'late' })
  assert.equal(await ask(token), '401 invalid_token')
  const link = { issuer: scene.local.issuer, subject: 'late', userId: user.id, origin }
  assert.equal(await linkIdentity(engine, link), true)
  assert.equal(await ask(token), '200')
  assert.equal(await linkIdentity(engine, link), false)
  assert.equal(await unlinkIdentity(engine, link), true)
  assert.equal(await ask(token), '401 invalid_token')
  assert.equal(await unlinkIdentity(engine, link), false)
})

test('a linked token acts for its user, with what both may', async () => {
  const { user, token } = await linked()
  const { body } = await scene.t.call('GET', 'protected', { token })
  assert.deepEqual(body, {
    user: { id: user.id, username: user.username },
    permissions: ['posts:write', 'users:read'],
    session_id: null,
  })
  const post = await scene.t.call('POST', 'posts', { token, body: { title: 'A', content: 'B' } })
  assert.equal(show(post), '201')
  assert.equal(post.body.user_id, user.id)
})

test('what the user may do no more, the token may not, in the next request', async () => {
  const { user, token } = await linked(['moderator', 'user'])
  const permissions = async () => (await scene.t.call('GET', 'protected', { token })).body.permissions
  assert.deepEqual(await permissions(), ['posts:moderate', 'posts:write', 'users:read'])
  await changeRoles(scene.t.engine, { userId: user.id, roles: ['user'], origin })
  assert.deepEqual(await permissions(), ['posts:write', 'users:read'])
  await changeRoles(scene.t.engine, { userId: user.id, roles: [], origin })
  assert.deepEqual(await permissions(), [])
})

test('a token ends with the disabling of its user, and with the deletion', async () => {
  const { user, token } = await linked()
  assert.equal(await ask(token), '200')
  await disableUser(scene.t.engine, { userId: user.id, reason: '', origin })
  assert.equal(await ask(token), '401 invalid_token')
  await enableUser(scene.t.engine, { userId: user.id, origin })
  assert.equal(await ask(token), '200')
  await deleteUser(scene.t.engine, { userId: user.id, origin })
  assert.equal(await ask(token), '401 invalid_token')
})

test('a token of another issuer is no session here: what ends all sessions of its user leaves it, and unlinking does not', async () => {
  const { engine } = scene.t
  const { user, link, token } = await linked()
  await endUserSessions(engine, { userId: user.id, origin })
  await forcePasswordChange(engine, { userId: user.id, reason: 'lost', origin })
  await signEverybodyOut(engine, origin)
  assert.equal(await ask(token), '200')
  await unlinkIdentity(engine, link)
  assert.equal(await ask(token), '401 invalid_token')
})

test('disabled a while ago, and nobody asked meanwhile: the cut-off is gone, and the token is refused', async () => {
  const { user, link } = await linked()
  const token = () => scene.token({ sub: link.subject })
  assert.equal(await ask(token()), '200')
  await disableUser(scene.t.engine, { userId: user.id, reason: '', origin })
  scene.t.clock.advance(300_000)
  assert.equal(await ask(token()), '401 invalid_token')
})

test('query flood: a good token that acts for nobody is looked up so often and no more, with however many of its kind', async test => {
  const limitsOverride = [{ policy: 'refused-credential-session', count: 10, window: 60_000 }]
  const strict = await startScene({ local_user: 'required' }, {
    limitsScale: 1,
    limitsOverride,
  } as Parameters<typeof startScene>[1])
  test.after(strict.close)
  const asked = async (token: string): Promise<number> =>
    (await strict.t.call('GET', 'users', { token })).status
  const statuses: number[] = []
  for (let time = 0; time < 25; time++)
    statuses.push(await asked(strict.token({ sub: 'mallory', jti: String(time % 5) })))
  assert.equal(statuses[0], 401)
  assert.equal(statuses.at(-1), 429)
  const user = await addUser(strict.t.engine, 'bystander')
  await linkIdentity(strict.t.engine, {
    issuer: strict.local.issuer,
    subject: 'bystander',
    userId: user.id,
    origin,
  })
  assert.equal(await asked(strict.token({ sub: 'bystander' })), 200)
})

test('account linking: an address, a name or an id of a user here links nobody', async () => {
  const user = await addUser(scene.t.engine, 'victim')
  for (const sub of [user.id, 'victim', 'VICTIM', 'victim@example.org'])
    assert.equal(
      await ask(scene.token({ sub, email: 'victim@example.org', email_verified: true })),
      '401 invalid_token',
    )
})

test('a linked administrator administers nothing with such a token, and confirms nothing', async () => {
  const { token } = await linked(['admin'])
  for (const path of ['me', 'sessions', 'admin/users', 'admin/invitations'])
    assert.equal(await ask(token, path), '403 insufficient_permission', path)
})

test('a subject is linked to one user only, and one of a deleted user to nobody', async () => {
  const { link } = await linked()
  const other = await addUser(scene.t.engine, 'other')
  await assert.rejects(linkIdentity(scene.t.engine, { ...link, userId: other.id }), { code: 'conflict' })
  assert.equal(await unlinkIdentity(scene.t.engine, { ...link, userId: other.id }), false)
  await deleteUser(scene.t.engine, { userId: other.id, origin })
  await assert.rejects(linkIdentity(scene.t.engine, { ...link, subject: 'x', userId: other.id }), {
    code: 'not_found',
  })
})

test('linked by two at once, a subject acts for one of them', async () => {
  const [one, two] = [await addUser(scene.t.engine, 'one'), await addUser(scene.t.engine, 'two')]
  const link = { issuer: scene.local.issuer, subject: 'contested', origin }
  const done = await Promise.allSettled([
    linkIdentity(scene.t.engine, { ...link, userId: one.id }),
    linkIdentity(scene.t.engine, { ...link, userId: two.id }),
  ])
  assert.deepEqual(done.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('the same subject of another issuer is somebody else, and neither speaks for the other', async test => {
  const [key, sameKid] = [newRsaKey('shared'), newRsaKey('shared')]
  const [a, b] = [await startIssuer([key]), await startIssuer([sameKid])]
  const t = await startTestApp({
    trustedIssuers: parseIssuers([a, b].map(each => ({ ...plainEntry(each), local_user: 'required' }))),
  })
  test.after(async () => {
    await t.close()
    await a.close()
    await b.close()
  })
  const user = await addUser(t.engine, 'alice')
  await linkIdentity(t.engine, { issuer: a.issuer, subject: 's', userId: user.id, origin })
  const iat = Math.floor(t.clock.now() / 1_000)
  const make = (iss: string, by = key, kid = 'shared') =>
    toToken(
      { alg: 'RS256', typ: 'at+jwt', kid },
      { iss, sub: 's', aud: 'https://api.example.org', iat, exp: iat + 60, scope: 'read:users' },
      by.key,
    )
  const verdict = async (token: string) => show(await t.call('GET', 'users', { token }))
  assert.equal(await verdict(make(a.issuer)), '200')
  assert.equal(await verdict(make(b.issuer, sameKid)), '401 invalid_token')
  assert.equal(await verdict(make(a.issuer, sameKid)), '401 invalid_token')
  assert.equal(await verdict(make(b.issuer)), '401 invalid_token')
  const ofB = newRsaKey('of-b')
  b.publish(sameKid, ofB)
  t.clock.advance(30_000)
  assert.equal(await verdict(make(a.issuer, ofB, 'of-b')), '401 invalid_token')
})

test('administrators link and unlink over HTTP, and nobody else does', async () => {
  const { t, local } = scene
  const admin = await signInAs(t.engine, (await addUser(t.engine, 'chief', { roles: ['admin'] })).id)
  const { id } = await addUser(t.engine, 'linkedbyhttp')
  const path = `admin/users/${id}/identities`
  const body = { issuer: local.issuer, subject: 'by-http' }
  const post = (token: string, at = path) => t.call('POST', at, { token, body })
  const helper = await addUser(t.engine, 'helper', { roles: ['user'] })
  assert.equal(show(await post((await signInAs(t.engine, helper.id)).access)), '403 insufficient_permission')
  const token = scene.token({ sub: 'by-http' })
  assert.equal(show(await post(token)), '401 invalid_token')
  assert.equal(show(await post(admin.access)), '204')
  assert.equal(await ask(token), '200')
  assert.equal(show(await post(token)), '403 insufficient_permission')
  const listed = await t.call('GET', path, { token: admin.access })
  assert.deepEqual(
    listed.body.data.map(({ subject }: { subject: string }) => subject),
    ['by-http'],
  )
  const other = `admin/users/${helper.id}/identities`
  assert.equal(show(await post(admin.access, other)), '409 conflict')
  const query = new URLSearchParams(body).toString()
  assert.equal(show(await t.call('DELETE', `${path}?${query}`, { token: admin.access })), '204')
  assert.equal(await ask(token), '401 invalid_token')
})

test('no way up: who administers users and may do less than an administrator links nobody to one', async () => {
  const { engine } = scene.t
  const chief = await addUser(engine, 'chief2', { roles: ['admin'] })
  const lesser = await addUser(engine, 'lesser', { roles: ['user'] })
  const caller = await signInAs(engine, lesser.id)
  const link = { issuer: scene.local.issuer, subject: 'up', userId: chief.id, origin }
  await assert.rejects(linkIdentity(engine, link, caller), { code: 'insufficient_permission' })
})

test('a service is linked to nobody: not over HTTP, not on the command line, and a row written by hand acts for none', async () => {
  const { t, local } = scene
  const { id: userId } = await addService(t.engine)
  const link = { issuer: local.issuer, subject: 'of-a-service', userId, origin }
  await assert.rejects(linkIdentity(t.engine, link), { code: 'not_found' })
  const chief = await signInAs(t.engine, (await addUser(t.engine, 'chief3', { roles: ['admin'] })).id)
  const { issuer, subject } = link
  const answer = await t.call('POST', `admin/users/${userId}/identities`, {
    token: chief.access,
    body: { issuer, subject },
  })
  assert.equal(show(answer), '404 not_found')
  const row = { issuer, subject, user_id: userId, created_at: t.clock.now() }
  await t.engine.db.insertInto('identities').values(row).execute()
  assert.equal(await ask(scene.token({ sub: subject })), '401 invalid_token')
})

test('explained, a token of nobody says for whom it would have to be linked, and a linked one for whom it acts', async () => {
  const { t, local } = scene
  const chief = await signInAs(t.engine, (await addUser(t.engine, 'chief4', { roles: ['admin'] })).id)
  const explain = async (token: string) =>
    (
      await t.call('POST', 'admin/explain', {
        token: chief.access,
        body: { token, permission: 'users:read' },
      })
    ).body
  const { code, parts } = await explain(scene.token({ sub: 'of-nobody' }))
  assert.deepEqual(
    [code, parts[0].why],
    ['invalid_token', `foreign_not_linked; issued by ${local.issuer} for the subject "of-nobody"`],
  )
  const { user, token } = await linked()
  const { allowed, principal, credential } = await explain(token)
  assert.deepEqual(
    [allowed, principal.kind, principal.username, credential.user_id],
    [true, 'client', user.username, user.id],
  )
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { show } from '../../apps/blog/test/call.ts'
import { linkIdentity, unlinkIdentity } from '../../packages/gatewright/src/administration/identities.ts'
import { selectEvents, toRecorded } from '../../packages/gatewright/src/audit/read-events.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { giveAddress, giveLink } from '../mail/given-link.ts'
import { linkTo, mailTo } from '../mail/person.ts'
import { addUser } from '../sessions/signed-in.ts'
import { type Scene, startScene } from './scene.ts'

let scene: Scene
before(async () => {
  scene = await startScene({ local_user: 'required' })
})
after(() => scene.close())

const ask = async (token: string): Promise<string> => show(await scene.t.call('GET', 'users', { token }))

/** Somebody with a verified address. */
const addressed = async (name: string) => {
  const user = await addUser(scene.t.engine, name)
  const email = `${name}@example.org`
  await giveAddress(scene.t.engine, user.id, email)
  const link = { issuer: scene.local.issuer, subject: `sub-${name}`, userId: user.id, origin }
  return { user, email, link, token: scene.token({ sub: link.subject }) }
}

test('an owner is told by mail of a subject that acts for the account, and when it does no more', async () => {
  const { t, local } = scene
  const { email, link } = await addressed('told')
  await linkIdentity(t.engine, link)
  await linkIdentity(t.engine, link)
  const [mail, ...more] = await mailTo(t, email)
  assert.deepEqual(more, [])
  assert.equal(mail?.subject, 'Another sign-in service was linked to your account')
  assert.ok(mail?.text.includes(`somebody at ${new URL(local.issuer).host.replaceAll(/[.:]/g, '·')}`))
  assert.equal(mail?.link?.path, '/console/not-me')
  await unlinkIdentity(t.engine, link)
  await unlinkIdentity(t.engine, link)
  const subjects = (await mailTo(t, email)).map(({ subject }) => subject)
  assert.deepEqual(subjects.slice(1), ['A link to another sign-in service was taken away'])
})

test('planted identity: “that wasn’t me” takes away what was linked since, at once, and nothing that was there before', async () => {
  const { t } = scene
  const { user, email, link, token } = await addressed('planted')
  const older = { ...link, subject: 'older' }
  await linkIdentity(t.engine, older)
  t.clock.advance(1_000)
  await linkIdentity(t.engine, link)
  const [planted, own] = [token, scene.token({ sub: 'older' })]
  assert.deepEqual([await ask(planted), await ask(own)], ['200', '200'])
  const secret = await linkTo(t, email, 'not-me')
  assert.equal((await t.call('POST', 'email/not-me', { body: { token: secret } })).status, 200)
  assert.deepEqual([await ask(planted), await ask(own)], ['401 invalid_token', '200'])
  const events = await selectEvents(t.engine.db)
    .where('user_id', '=', user.id)
    .where('event', '=', 'identity.unlinked')
    .execute()
  const { issuer, subject } = link
  const told = events.map(toRecorded).map(({ actor, details }) => ({ actor, details }))
  assert.deepEqual(told, [{ actor: user.id, details: { issuer, subject } }])
})

test('planted identity: “that wasn’t me” takes away the very link that it denies, however long the linking took', async () => {
  const { t } = scene
  const { email, link, token } = await addressed('slowly')
  let now = t.clock.now()
  // Each look at the clock is a millisecond after the one before, as on a machine.
  const clock = { ...t.engine.clock, now: () => now++ }
  await linkIdentity({ ...t.engine, clock }, link)
  t.clock.advance(1_000)
  assert.equal(await ask(token), '200')
  const secret = await linkTo(t, email, 'not-me')
  assert.equal((await t.call('POST', 'email/not-me', { body: { token: secret } })).status, 200)
  assert.equal(await ask(token), '401 invalid_token')
})

test('planted identity: who takes a change of address back takes away what was linked since', async () => {
  const { t } = scene
  const { user, email, link, token } = await addressed('undone')
  const secret = await giveLink(t.engine, 'undo-email', user.id, { email })
  t.clock.advance(1_000)
  await linkIdentity(t.engine, link)
  assert.equal(await ask(token), '200')
  assert.equal((await t.call('POST', 'email/undo', { body: { token: secret } })).status, 200)
  assert.equal(await ask(token), '401 invalid_token')
})

test('only an address is the name of an issuer that somebody is linked to', async () => {
  const { link } = await addressed('misspelt')
  for (const issuer of ['', 'sso.example.org', 'https://a b', 'javascript:alert(1)'])
    await assert.rejects(linkIdentity(scene.t.engine, { ...link, issuer }), { code: 'validation_failed' })
})

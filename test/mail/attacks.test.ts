import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, hour, minute } from 'gatewright/clock'
import { renewRecoveryCodes } from '../../packages/gatewright/src/factors/recovery-codes.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { addTestUser } from '../../packages/gatewright/src/testing/test-user.ts'
import { nextCode, plantTotp } from '../factors/enrolled.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import { signInAs } from '../sessions/signed-in.ts'
import { giveLink } from './given-link.ts'
import { codeOf, linkTo, logIn, mailTo, newPerson } from './person.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ limitsScale: 1, trustedProxies: ['127.0.0.1'] })
})
after(() => t.close())

let addresses = 0
/** Each from another address, as of a stranger with many. */
const fromElsewhere = () => {
  addresses++
  return { 'x-forwarded-for': `198.51.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}` }
}
const post = (path: string, body: object, token?: string) =>
  t.call('POST', path, { headers: fromElsewhere(), body, ...(token !== undefined && { token }) })
const registerWith = (username: string, email: string) => post('register', { username, password, email })
const forget = (email: string) => post('password/forgot', { email })
const pagesTo = async (email: string) => (await mailTo(t, email)).map(({ link }) => link?.path)

describe('mail', () => {
  test('kept from recovery: strangers who give an address away use up none of what its owner asks for', async () => {
    const person = await newPerson(t)
    for (let n = 0; n < 6; n++) assert.equal((await registerWith(`starver-${n}`, person.email)).status, 201)
    assert.equal((await mailTo(t, person.email)).length, 5, 'nobody is sent a heap')
    await forget(person.email)
    assert.ok((await pagesTo(person.email)).includes('/console/reset'))
  })

  test('race: thirty wrong passwords at once are told once', async () => {
    const person = await newPerson(t)
    const guess = () => post('login', { username: person.username, password: 'a wrong one, and long' })
    for (let n = 0; n < 10; n++) await guess()
    await Promise.all(Array.from({ length: 30 }, guess))
    const pages = await pagesTo(person.email)
    assert.deepEqual(pages.filter(page => page === '/console/prove').length, 1)
  })
})

test('mailbox read once: a link of a notice from before a reset opens nothing after it', async () => {
  const person = await newPerson(t)
  const { access: token } = await logIn(t, person)
  await t.call('PUT', 'me/password', {
    token,
    body: { current_password: password, new_password: 'of the owner, a first one' },
  })
  const seen = await linkTo(t, person.email, 'not-me')
  t.clock.advance(day)
  await forget(person.email)
  const reset = { token: await linkTo(t, person.email, 'reset'), new_password: 'of the owner, a second one' }
  assert.equal((await post('password/reset', reset)).status, 204)
  assert.equal(codeOf(await post('email/not-me', { token: seen })), 'invalid_link')
  assert.ok(await logIn(t, person, 'of the owner, a second one'))
})

test('a thief’s passkey from before what is denied: whoever comes in by it, or by another, is asked what is theirs', async () => {
  const person = await newPerson(t)
  const { access: token } = await logIn(t, person)
  const body = { current_password: password, new_password: 'what the thief has chosen' }
  assert.equal((await t.call('PUT', 'me/password', { token, body })).status, 200)
  const denied = await post('email/not-me', { token: await linkTo(t, person.email, 'not-me') })
  assert.equal(denied.status, 200)
  const { access } = await signInAs(t.engine, person.id)
  assert.equal((await t.call('GET', 'sessions/current', { token: access })).body.user.review_due, true)
})

test('erased: what somebody asked for in an owner’s name goes with the account', async () => {
  const person = await newPerson(t)
  await forget(person.email)
  await mailTo(t, person.email)
  const { access: token } = await logIn(t, person)
  const second = openSecondConnection(t.engine)
  const kinds = () =>
    second.rows('select kind from mails where user_id = ? order by kind', person.id).map(({ kind }) => kind)
  assert.deepEqual(kinds(), ['forgotten'])
  const erased = await t.call('DELETE', 'me', { token, body: { password } })
  assert.ok(erased.status < 300, erased.text)
  assert.deepEqual(kinds(), [])
  second.close()
})

test('brute force: whoever reads the mail guesses at no more than a hundred codes of an app beside links, and then waits in vain', async () => {
  const person = await newPerson(t)
  await plantTotp(t.engine, person.id)
  const [recoveryCode] = await inTransaction(t.engine.db, work =>
    renewRecoveryCodes(t.engine, work, person.id),
  )
  const reset = async (code: object) => {
    const token = await giveLink(t.engine, 'reset-password', person.id, { email: person.email })
    return codeOf(await post('password/reset', { token, new_password: 'what the thief has chosen', ...code }))
  }
  for (let n = 0; n < 101; n++) {
    t.clock.advance(16 * minute)
    assert.equal(await reset({ method: 'totp', code: '000000' }), 'invalid_mfa_code')
  }
  for (const wait of [hour, 3 * day]) {
    t.clock.advance(wait)
    await t.engine.db.deleteFrom('sign_in_throttles').where('forgotten_at', '<', t.clock.now()).execute()
    const code = await nextCode(t.engine, person.id)
    assert.equal(await reset({ method: 'totp', code }), 'invalid_mfa_code')
  }
  assert.equal(await reset({ method: 'recovery_code', code: recoveryCode }), 204, 'its owner has another way')
})

test('dormant account: its first sign-in after years is told, although no session of before is kept', async () => {
  const person = await newPerson(t)
  await logIn(t, person)
  t.clock.advance(400 * day)
  await t.engine.db.deleteFrom('sessions').where('user_id', '=', person.id).execute()
  const headers = { ...fromElsewhere(), 'user-agent': 'thief/1.0' }
  await t.call('POST', 'login', { headers, body: { username: person.username, password } })
  assert.deepEqual(await pagesTo(person.email), ['/console/not-me'])
})

test('password changed meanwhile: a change of address that was asked for before, and waits in the queue, never counts', async () => {
  const person = await newPerson(t)
  const { access: token } = await logIn(t, person)
  const email = 'thief-queued@example.net'
  assert.equal((await post('me/email', { email }, token)).status, 202)
  const body = { current_password: password, new_password: 'what the owner has chosen' }
  assert.equal((await t.call('PUT', 'me/password', { token, body })).status, 200)
  assert.deepEqual(await mailTo(t, email), [])
})

test('idle: a change of address counts no longer than the session that asked, also where nobody has looked at it since', async () => {
  const { id } = await addTestUser(t.engine, { username: 'idle-admin', roles: ['admin'] })
  const { access: token } = await logIn(t, { username: 'idle-admin' })
  const email = 'idle-admin@example.org'
  assert.equal((await post('me/email', { email }, token)).status, 202)
  const link = await linkTo(t, email, 'verify')
  t.clock.advance(13 * 60 * minute)
  assert.equal(codeOf(await post('email/verify', { token: link })), 'invalid_link')
  assert.ok(id)
})

test('race: who comes second to an address leaves a trace', async () => {
  const email = 'raced@example.org'
  for (const name of ['racer-1', 'racer-2']) assert.equal((await registerWith(name, email)).status, 201)
  const links = (await mailTo(t, email)).flatMap(({ link }) => (link ? [link.token] : []))
  const second = openSecondConnection(t.engine)
  const count = async () => second.rows("select id from audit_events where event = 'link.refused'").length
  const before = await count()
  const answers = await Promise.all(links.map(token => post('email/verify', { token })))
  assert.deepEqual(answers.map(codeOf).sort(), [204, 'invalid_link'])
  assert.equal((await count()) - before, 1)
  second.close()
})

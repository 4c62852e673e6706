import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hour } from 'gatewright/clock'
import { nextCode, plantTotp } from '../factors/enrolled.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import { codeOf, linkTo, logIn, mailTo, newPerson } from './person.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const newPassword = 'nobody has thought of this'
const forget = (email: string) => t.call('POST', 'password/forgot', { body: { email } })
const reset = (token: string, more: object = {}) =>
  t.call('POST', 'password/reset', { body: { token, new_password: newPassword, ...more } })

describe('a forgotten password', () => {
  test('is reset by the link, once; everything ends, and nobody is signed in', async () => {
    const person = await newPerson(t)
    const before = await logIn(t, person)
    assert.equal((await forget(person.email)).status, 202)
    const token = await linkTo(t, person.email, 'reset')
    assert.ok(await logIn(t, person), 'asking changes nothing')
    const answer = await reset(token)
    assert.deepEqual([answer.status, answer.text], [204, ''])
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.equal(codeOf(await t.call('GET', 'me', { token: before.access })), 'session_ended')
    assert.equal(codeOf(await reset(token)), 'invalid_link')
    assert.ok(await logIn(t, person, newPassword))
    assert.ok((await mailTo(t, person.email)).some(({ subject }) => subject === 'Your password was reset'))
  })

  test('asks whoever comes back whether what outlived it is theirs, on whichever device, until they say so', async () => {
    const person = await newPerson(t)
    const reviewDue = async (token: string) =>
      (await t.call('GET', 'sessions/current', { token })).body.user.review_due
    assert.equal(await reviewDue((await logIn(t, person)).access), false)
    await forget(person.email)
    await reset(await linkTo(t, person.email, 'reset'))
    const [one, other] = [await logIn(t, person, newPassword), await logIn(t, person, newPassword)]
    assert.deepEqual([await reviewDue(one.access), await reviewDue(other.access)], [true, true])
    const never = { token: one.access, body: { reviewed: false } }
    assert.equal(codeOf(await t.call('PATCH', 'me', never)), 'validation_failed')
    const said = await t.call('PATCH', 'me', { token: one.access, body: { reviewed: true } })
    assert.equal(said.body.review_due, false)
    assert.equal(await reviewDue(other.access), false)
  })

  test('enumeration: an address that nobody has gets the same answer, rows and headers, and no mail', async () => {
    const person = await newPerson(t)
    await t.deliverMail()
    const second = openSecondConnection(t.engine)
    const seen: unknown[] = []
    for (const email of [person.email, 'nobody@example.org']) {
      const { status, text, headers } = await forget(email)
      const names = Object.keys(headers)
        .filter(name => !name.startsWith('ratelimit'))
        .sort()
      const waiting = second.rows('select kind, user_id from mails where forgotten_at is null')
      seen.push({ status, text, names, waiting })
      await t.deliverMail()
    }
    second.close()
    assert.deepEqual(seen[0], seen[1])
    assert.deepEqual(await mailTo(t, 'nobody@example.org'), [])
  })

  test('homoglyphs: the link goes to the address as it was verified, and never to one that only looks alike', async () => {
    const person = await newPerson(t)
    const before = (await t.deliverMail()).length
    // A full-width letter is that letter once it is normalised, and another mailbox until then.
    assert.equal(codeOf(await forget(person.email.replace('m', '\uff4d'))), 'validation_failed')
    assert.equal((await forget(person.email.toUpperCase())).status, 202)
    const sent = (await t.deliverMail()).slice(before)
    assert.deepEqual(
      sent.map(({ to }) => to),
      [person.email],
    )
  })

  test('an address that was never verified is sent nothing', async () => {
    const email = 'never-verified@example.org'
    await t.call('POST', 'register', { body: { username: 'unproved', password, email } })
    await forget(email)
    const pages = (await mailTo(t, email)).map(({ link }) => link?.path)
    assert.deepEqual(pages, ['/console/verify'])
  })

  test('is chosen as every other: a bad one is refused, and the link stays open', async () => {
    const person = await newPerson(t)
    await forget(person.email)
    const token = await linkTo(t, person.email, 'reset')
    assert.equal(codeOf(await reset(token, { new_password: 'short' })), 'password_too_short')
    assert.equal(
      codeOf(await reset(token, { new_password: `${person.username} ${person.email}` })),
      'password_blocklisted',
    )
    assert.equal((await reset(token)).status, 204)
  })

  test('race: of ten resets at once one is done', async () => {
    const person = await newPerson(t)
    await forget(person.email)
    const token = await linkTo(t, person.email, 'reset')
    const answers = await Promise.all(Array.from({ length: 10 }, () => reset(token)))
    assert.equal(answers.filter(({ status }) => status === 204).length, 1)
  })

  test('its link lives for an hour', async () => {
    const person = await newPerson(t)
    await forget(person.email)
    const token = await linkTo(t, person.email, 'reset')
    t.clock.advance(hour)
    assert.equal(codeOf(await reset(token)), 'invalid_link')
  })

  test('a change of the password ends the link', async () => {
    const person = await newPerson(t)
    await forget(person.email)
    const token = await linkTo(t, person.email, 'reset')
    const { access } = await logIn(t, person)
    const body = { current_password: password, new_password: 'changed in the meantime' }
    await t.call('PUT', 'me/password', { token: access, body })
    assert.equal(codeOf(await reset(token)), 'invalid_link')
  })

  test('a disabled user has nothing from it', async () => {
    const person = await newPerson(t)
    await forget(person.email)
    const token = await linkTo(t, person.email, 'reset')
    await t.engine.db.updateTable('users').set({ disabled_at: 1 }).where('id', '=', person.id).execute()
    assert.equal(codeOf(await reset(token)), 'invalid_link')
    const before = (await mailTo(t, person.email)).length
    await forget(person.email)
    assert.equal((await mailTo(t, person.email)).length, before)
  })
})

describe('a reset of whoever has a second factor', () => {
  const open = async () => {
    const person = await newPerson(t)
    await plantTotp(t.engine, person.id)
    await forget(person.email)
    return { person, token: await linkTo(t, person.email, 'reset') }
  }

  test('asks for it, and says by which methods', async () => {
    const { token } = await open()
    const answer = await reset(token)
    assert.deepEqual([answer.status, answer.body.code], [401, 'mfa_required'])
    assert.ok(answer.body.methods.includes('totp'))
    assert.equal(answer.body.mfa_token, undefined)
  })

  test('is done with it, and sign-in asks for it still', async () => {
    const { person, token } = await open()
    const code = await nextCode(t.engine, person.id)
    assert.equal((await reset(token, { method: 'totp', code })).status, 204)
    const answer = await t.call('POST', 'login', {
      body: { username: person.username, password: newPassword },
    })
    assert.equal(codeOf(answer), 'mfa_required')
  })

  test('brute force: wrong codes are counted by user and factor, and another link gives no new guesses', async () => {
    const { person, token } = await open()
    assert.equal(codeOf(await reset(token, { method: 'totp', code: '000000' })), 'invalid_mfa_code')
    await forget(person.email)
    const another = await linkTo(t, person.email, 'reset')
    await reset(another, { method: 'totp', code: '000000' })
    const second = openSecondConnection(t.engine)
    const row = second.row('select wrong from sign_in_throttles where key = ?', `user.${person.id}.totp`)
    second.close()
    assert.equal(row?.wrong, 2)
  })

  test('replay: a code that was used is not taken again, and the link stays', async () => {
    const { person, token } = await open()
    const code = await nextCode(t.engine, person.id)
    const { body } = await t.call('POST', 'login', { body: { username: person.username, password } })
    const second = await t.call('POST', 'login/mfa', {
      body: { mfa_token: body.mfa_token, method: 'totp', code },
    })
    assert.equal(second.status, 200)
    assert.equal(codeOf(await reset(token, { method: 'totp', code })), 'invalid_mfa_code')
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, minute } from 'gatewright/clock'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { renewOwnRecoveryCodes } from '../../packages/gatewright/src/sign-in/own-factors.ts'
import { giveKey } from '../api-keys/given.ts'
import { enrol, plantTotp } from '../factors/enrolled.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { plantPasskey } from '../passkeys/registered.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import { signInAs } from '../sessions/signed-in.ts'
import { giveAddress } from './given-link.ts'
import { codeOf, linkTo, logIn, mailTo, newPerson, type Person } from './person.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

let names = 0
const register = async (email: string) => {
  const username = `new-${++names}`
  const answer = await t.call('POST', 'register', { body: { username, password, email } })
  assert.equal(answer.status, 201)
  return { ...answer, username, id: answer.body.id as string }
}
const newPassword = 'the true owner’s own words'
const follow = (route: string, token: string) => t.call('POST', route, { body: { token } })
const verify = (token: string) => follow('email/verify', token)
const accountOf = async (access: string) => (await t.call('GET', 'me', { token: access })).body

/** Asks for another address, and follows its link. */
const changeTo = async (person: Person, email: string): Promise<void> => {
  const { access } = await logIn(t, person)
  assert.equal((await t.call('POST', 'me/email', { token: access, body: { email } })).status, 202)
  assert.equal((await verify(await linkTo(t, email, 'verify'))).status, 204)
}

describe('an address given at registration', () => {
  test('counts once its link was followed, and then signs in', async () => {
    const email = 'Ann@Example.org'
    const { username } = await register(email)
    const byAddress = () => t.call('POST', 'login', { body: { username: 'ann@example.org', password } })
    assert.equal(codeOf(await byAddress()), 'invalid_credentials')
    assert.equal((await verify(await linkTo(t, email, 'verify'))).status, 204)
    assert.equal((await byAddress()).status, 200)
    assert.equal((await accountOf((await logIn(t, { username })).access)).email_verified, true)
  })

  test('is asked for once more where the first mail was lost', async () => {
    const email = 'resent@example.org'
    const { access } = await logIn(t, await register(email))
    assert.equal((await t.call('POST', 'me/email/verification', { token: access })).status, 202)
    assert.equal((await mailTo(t, email)).length, 2)
    assert.equal((await verify(await linkTo(t, email, 'verify'))).status, 204)
    assert.equal((await t.call('POST', 'me/email/verification', { token: access })).status, 202)
    assert.equal((await mailTo(t, email)).length, 2, 'a verified one is sent nothing')
  })

  test('speaks the language that the browser asked for, and another one on demand', async () => {
    const headers = { 'accept-language': 'fr, zh-HK;q=0.9, en;q=0.5' }
    const body = { username: 'speaker', password, email: 'speaker@example.org' }
    assert.equal((await t.call('POST', 'register', { headers, body })).body.locale, 'zh-TW')
    assert.match((await mailTo(t, body.email)).at(-1)?.subject ?? '', /請確認/)
    const { access } = await logIn(t, body)
    const changed = await t.call('PATCH', 'me', { token: access, body: { locale: 'zh-CN' } })
    assert.equal(changed.body.locale, 'zh-CN')
    await t.call('POST', 'me/email/verification', { token: access })
    assert.match((await mailTo(t, body.email)).at(-1)?.subject ?? '', /请确认/)
    const unknown = await t.call('PATCH', 'me', { token: access, body: { locale: 'de' } })
    assert.equal(codeOf(unknown), 'validation_failed')
  })
})

describe('enumeration: an address that somebody has', () => {
  test('registers like a free one, and its owner hears of it', async () => {
    const owner = await newPerson(t)
    const [taken, free] = [await register(owner.email), await register('free@example.org')]
    const shape = ({ status, headers, body }: typeof taken) => ({
      status,
      headers: Object.keys(headers).sort(),
      fields: Object.keys(body).sort(),
      verified: body.email_verified,
    })
    assert.deepEqual(shape(taken), shape(free))
    const [mail] = (await mailTo(t, owner.email)).slice(-1)
    assert.equal(mail?.subject, 'Somebody gave your address')
    assert.equal(mail?.link, undefined)
    assert.doesNotMatch(mail.text, new RegExp(taken.username))
    assert.equal((await logIn(t, owner)).access.length > 0, true)
  })

  test('is asked for in a change like a free one, and its owner hears of it', async () => {
    const [owner, other] = [await newPerson(t), await newPerson(t)]
    const { access: token } = await logIn(t, other)
    const ask = (email: string) => t.call('POST', 'me/email', { token, body: { email } })
    const [taken, free] = [await ask(owner.email), await ask('free-as-well@example.org')]
    assert.deepEqual([taken.status, taken.text], [free.status, free.text])
    assert.match((await mailTo(t, owner.email)).at(-1)?.subject ?? '', /Somebody gave your address/)
    assert.deepEqual((await accountOf(token)).email, other.email)
  })

  test('writes the same rows as a free one, before the answer', async () => {
    const owner = await newPerson(t)
    await t.deliverMail()
    const second = openSecondConnection(t.engine)
    const kinds: unknown[] = []
    for (const email of [owner.email, 'nobody-at-all@example.org']) {
      await register(email)
      kinds.push(
        ...second
          .rows('select kind, attempts from mails where forgotten_at is null')
          .map(row => ({ ...row })),
      )
      await t.deliverMail()
    }
    second.close()
    const given = { kind: 'given', attempts: 0 }
    assert.deepEqual(kinds, [given, given])
  })
})

test('of two who asked for one address only the first to follow the link has it', async () => {
  const email = 'wanted@example.org'
  const [first, second] = [await register(email), await register(email)]
  const links = (await mailTo(t, email)).flatMap(({ link }) => (link ? [link.token] : []))
  assert.equal(links.length, 2)
  const answers = await Promise.all(links.map(verify))
  assert.deepEqual(answers.map(codeOf).sort(), [204, 'invalid_link'])
  const verified = await Promise.all(
    [first, second].map(async each => (await accountOf((await logIn(t, each)).access)).email_verified),
  )
  assert.deepEqual(verified.sort(), [false, true])
})

describe('a link', () => {
  test('replay: is good once', async () => {
    const email = 'once@example.org'
    await register(email)
    const token = await linkTo(t, email, 'verify')
    assert.deepEqual([codeOf(await verify(token)), codeOf(await verify(token))], [204, 'invalid_link'])
  })

  test('race: of twenty at once one is taken', async () => {
    const email = 'race@example.org'
    await register(email)
    const token = await linkTo(t, email, 'verify')
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(token)))
    assert.equal(answers.filter(({ status }) => status === 204).length, 1)
  })

  test('opens nothing after its time', async () => {
    const email = 'late@example.org'
    await register(email)
    const token = await linkTo(t, email, 'verify')
    t.clock.advance(day)
    assert.equal(codeOf(await verify(token)), 'invalid_link')
  })

  test('of another purpose opens nothing, and stays good for its own', async () => {
    const email = 'purpose@example.org'
    await register(email)
    const token = await linkTo(t, email, 'verify')
    for (const route of ['email/undo', 'email/not-me'])
      assert.equal(codeOf(await follow(route, token)), 'invalid_link', route)
    const reset = { token, new_password: 'a password of their own' }
    assert.equal(codeOf(await t.call('POST', 'password/reset', { body: reset })), 'invalid_link')
    assert.equal((await verify(token)).status, 204)
  })

  test('that opens nothing leaves its trace, and says the same whatever is wrong', async () => {
    const answers = [await verify('x'), await follow('email/undo', 'x'), await follow('email/not-me', 'x')]
    assert.equal(new Set(answers.map(({ body }) => body.detail)).size, 1)
    const second = openSecondConnection(t.engine)
    const rows = second.rows(
      "select reason from audit_events where event = 'link.refused' order by id desc limit 3",
    )
    second.close()
    assert.deepEqual(rows.map(({ reason }) => reason).reverse(), ['verify-email', 'undo-email', 'not-me'])
  })

  test('forged Host: leads where PUBLIC_URL says, whatever the request says', async () => {
    const body = { username: 'hosted', password, email: 'hosted@example.org' }
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
    }
    await t.call('POST', 'register', { body, headers })
    const [mail] = (await mailTo(t, body.email)).slice(-1)
    assert.ok(mail?.text.includes(`${t.engine.publicUrl}/console/verify#`))
    assert.doesNotMatch(JSON.stringify(mail), /evil/)
  })

  test('CRLF injection: an address with a break in it is refused', async () => {
    const email = 'a@example.org\r\nBcc: victim@example.org'
    const answer = await t.call('POST', 'register', { body: { username: 'injector', password, email } })
    assert.equal(codeOf(answer), 'validation_failed')
  })
})

describe('a change of address', () => {
  test('needs a recent sign-in', async () => {
    const { access: token } = await logIn(t, await newPerson(t))
    t.clock.advance(10 * minute + 1_000)
    const body = { email: 'stale@example.org' }
    assert.ok([401].includes((await t.call('POST', 'me/email', { token, body })).status))
  })

  test('counts once the new address was verified; the former one is told, with a way back', async () => {
    const person = await newPerson(t)
    const { access } = await logIn(t, person)
    const email = 'changed@example.org'
    await t.call('POST', 'me/email', { token: access, body: { email } })
    assert.equal((await accountOf(access)).email, person.email)
    await verify(await linkTo(t, email, 'verify'))
    const now = await accountOf(access)
    assert.deepEqual([now.email, now.email_verified], [email, true])
    const [told] = (await mailTo(t, person.email)).slice(-1)
    assert.equal(told?.subject, 'Your e-mail address was changed')
    assert.equal(told?.link?.path, '/console/undo-email')
  })

  test('that was asked for in a session which has ended since never counts', async () => {
    const person = await newPerson(t)
    const { access: token } = await logIn(t, person)
    const email = 'thief-of-session@example.net'
    await t.call('POST', 'me/email', { token, body: { email } })
    const link = await linkTo(t, email, 'verify')
    await t.call('POST', 'logout', { token })
    assert.equal(codeOf(await verify(link)), 'invalid_link')
  })

  test('goes on where the session went on under a new id', async () => {
    const person = await newPerson(t)
    const { access: token } = await logIn(t, person)
    const email = 'stepped-up@example.org'
    await t.call('POST', 'me/email', { token, body: { email } })
    const link = await linkTo(t, email, 'verify')
    assert.equal((await t.call('POST', 'step-up', { token, body: { password } })).status, 200)
    assert.equal((await verify(link)).status, 204)
  })

  test('ends the links that the former address was sent', async () => {
    const person = await newPerson(t)
    await t.call('POST', 'password/forgot', { body: { email: person.email } })
    const token = await linkTo(t, person.email, 'reset')
    await changeTo(person, 'moved@example.org')
    const reset = { token, new_password: 'a password of their own' }
    assert.equal(codeOf(await t.call('POST', 'password/reset', { body: reset })), 'invalid_link')
  })
})

describe('the way back', () => {
  const undo = async (token: string) => follow('email/undo', token)

  test('brings the address back, ends everything and lets its owner choose a password', async () => {
    const person = await newPerson(t)
    await changeTo(person, 'thief-1@example.net')
    const thief = await logIn(t, person)
    const answer = await undo(await linkTo(t, person.email, 'undo-email'))
    assert.equal(answer.status, 200)
    assert.equal(codeOf(await t.call('GET', 'me', { token: thief.access })), 'session_ended')
    const reset = { token: answer.body.reset_token, new_password: newPassword }
    assert.equal((await t.call('POST', 'password/reset', { body: reset })).status, 204)
    const { access } = await logIn(t, person, newPassword)
    const account = await accountOf(access)
    assert.deepEqual([account.email, account.email_verified], [person.email, true])
  })

  test('a thief’s second change: wins against it, and the thief’s own way back is closed', async () => {
    const person = await newPerson(t)
    await changeTo(person, 'thief-2@example.net')
    await changeTo(person, 'thief-3@example.net')
    const thiefsWayBack = await linkTo(t, 'thief-2@example.net', 'undo-email')
    t.clock.advance(6 * day)
    assert.equal((await undo(await linkTo(t, person.email, 'undo-email'))).status, 200)
    assert.equal(codeOf(await undo(thiefsWayBack)), 'invalid_link')
    const row = await t.engine.db
      .selectFrom('users')
      .select('email')
      .where('id', '=', person.id)
      .executeTakeFirst()
    assert.equal(row?.email, person.email)
  })

  test('a thief’s way back that was used first closes nobody else’s', async () => {
    const person = await newPerson(t)
    await changeTo(person, 'thief-4@example.net')
    t.clock.advance(minute)
    await changeTo(person, 'thief-5@example.net')
    assert.equal((await undo(await linkTo(t, 'thief-4@example.net', 'undo-email'))).status, 200)
    assert.equal((await undo(await linkTo(t, person.email, 'undo-email'))).status, 200)
    const row = await t.engine.db
      .selectFrom('users')
      .select('email')
      .where('id', '=', person.id)
      .executeTakeFirst()
    assert.equal(row?.email, person.email)
  })

  test('a thief’s new password and new factor: wins against both', async () => {
    const person = await newPerson(t)
    await changeTo(person, 'thief-6@example.net')
    const { access: token } = await logIn(t, person)
    const body = { current_password: password, new_password: 'what only the thief knows' }
    assert.equal((await t.call('PUT', 'me/password', { token, body })).status, 200)
    t.clock.advance(minute)
    const added = { user_id: person.id, created_at: t.clock.now() }
    await t.engine.db
      .insertInto('recovery_codes')
      .values({ ...added, code_hash: `of ${person.id}` })
      .execute()
    const { body: answer } = await undo(await linkTo(t, person.email, 'undo-email'))
    const thiefs = { username: person.username, password: 'what only the thief knows' }
    assert.equal(codeOf(await t.call('POST', 'login', { body: thiefs })), 'invalid_credentials')
    const reset = { token: answer.reset_token, new_password: newPassword }
    assert.equal((await t.call('POST', 'password/reset', { body: reset })).status, 204)
    assert.ok(await logIn(t, person, newPassword))
    const left = await t.engine.db
      .selectFrom('recovery_codes')
      .selectAll()
      .where('user_id', '=', person.id)
      .execute()
    assert.deepEqual(left, [])
  })

  test('is open for seven days', async () => {
    const person = await newPerson(t)
    await changeTo(person, 'later-1@example.net')
    const token = await linkTo(t, person.email, 'undo-email')
    t.clock.advance(7 * day)
    assert.equal(codeOf(await undo(token)), 'invalid_link')
  })
})

describe('“that wasn’t me”', () => {
  const deny = (token: string) => follow('email/not-me', token)
  const changePassword = async (person: Person): Promise<void> => {
    const { access: token } = await logIn(t, person)
    const body = { current_password: password, new_password: 'what the thief has chosen' }
    assert.equal((await t.call('PUT', 'me/password', { token, body })).status, 200)
  }

  test('ends every session and starts the reset', async () => {
    const person = await newPerson(t)
    await changePassword(person)
    const thief = await logIn(t, person, 'what the thief has chosen')
    const { status, body } = await deny(await linkTo(t, person.email, 'not-me'))
    assert.equal(status, 200)
    assert.equal(codeOf(await t.call('GET', 'me', { token: thief.access })), 'session_ended')
    const reset = { token: body.reset_token, new_password: 'the owner is back again' }
    const same = { ...reset, new_password: 'what the thief has chosen' }
    assert.equal(codeOf(await t.call('POST', 'password/reset', { body: same })), 'password_blocklisted')
    assert.equal((await t.call('POST', 'password/reset', { body: reset })).status, 204)
  })

  test('is told to the owner, with the names of the API keys that ended, which open nothing then', async () => {
    const person = await newPerson(t)
    const keys = [await giveKey(t, person.id), await giveKey(t, person.id)]
    await changePassword(person)
    assert.equal((await deny(await linkTo(t, person.email, 'not-me'))).status, 200)
    const mail = (await mailTo(t, person.email)).at(-1)
    assert.equal(mail?.subject, 'Everything of your account was ended')
    assert.match(mail?.text ?? '', /^API keys that ended: .+, .+$/m)
    for (const key of keys)
      assert.equal(
        codeOf(await t.call('GET', 'protected', { headers: { 'x-api-key': key } })),
        'invalid_token',
      )
    const other = await newPerson(t)
    await changePassword(other)
    await deny(await linkTo(t, other.email, 'not-me'))
    assert.doesNotMatch((await mailTo(t, other.email)).at(-1)?.text ?? '', /API keys that ended/)
  })

  test('a thief’s factor, and those after it, go with the denial of the first: they keep nobody from the reset', async () => {
    const person = await newPerson(t)
    const { sessionId } = await signInAs(t.engine, person.id)
    await enrol(t.engine, person.id, sessionId)
    const token = await linkTo(t, person.email, 'not-me')
    t.clock.advance(minute)
    await plantPasskey(t.engine, person.id)
    const { body } = await deny(token)
    const reset = { token: body.reset_token, new_password: newPassword }
    assert.equal((await t.call('POST', 'password/reset', { body: reset })).status, 204)
    assert.ok(await logIn(t, person, newPassword))
  })

  test('a factor that was there before what is denied stays, and is asked for at the reset', async () => {
    const person = await newPerson(t)
    const { sessionId } = await signInAs(t.engine, person.id)
    await plantTotp(t.engine, person.id)
    t.clock.advance(minute)
    await renewOwnRecoveryCodes(t.engine, { userId: person.id, sessionId, origin: systemOrigin })
    const { body } = await deny(await linkTo(t, person.email, 'not-me'))
    const reset = { token: body.reset_token, new_password: newPassword }
    assert.equal(codeOf(await t.call('POST', 'password/reset', { body: reset })), 'mfa_required')
  })

  test('from an address that was changed meanwhile takes the change back', async () => {
    const person = await newPerson(t)
    await changePassword(person)
    const token = await linkTo(t, person.email, 'not-me')
    await giveAddress(t.engine, person.id, person.email)
    await t.engine.db
      .updateTable('users')
      .set({ password_hash: 'none' })
      .where('id', '=', person.id)
      .execute()
    const { access } = await signInAs(t.engine, person.id)
    const email = 'thief-7@example.net'
    await t.call('POST', 'me/email', { token: access, body: { email } })
    assert.equal((await verify(await linkTo(t, email, 'verify'))).status, 204)
    const { body } = await deny(token)
    assert.ok(body.reset_token)
    const row = await t.engine.db
      .selectFrom('users')
      .select('email')
      .where('id', '=', person.id)
      .executeTakeFirst()
    assert.equal(row?.email, person.email)
  })

  test('from an address that has nothing to do with the account any more only ends sessions', async () => {
    const person = await newPerson(t)
    await changePassword(person)
    const token = await linkTo(t, person.email, 'not-me')
    await giveAddress(t.engine, person.id, 'moved-long-ago@example.org')
    assert.deepEqual((await deny(token)).body, {})
  })
})

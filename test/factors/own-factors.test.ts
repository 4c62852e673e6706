import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { second as aSecond, minute } from 'gatewright/clock'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { changePassword } from '../../packages/gatewright/src/sign-in/own-password.ts'
import { removeTotp } from '../../packages/gatewright/src/sign-in/own-totp.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { type Answer, type Caller, password, signUp } from '../harness.ts'
import { freshName, sessionIdOf, signInAgain } from '../senders.ts'
import { browse, openBrowser, show, toBrowser } from '../sessions/browser.ts'
import { codeAt, forgetFactors, nextCode, plantTotp } from './enrolled.ts'
import { second, t, useScene } from './scene.ts'

let ann: Caller
useScene()
beforeEach(async () => {
  t.clock.advance(minute)
  ann = await signUp(t, freshName())
})

const post = (path: string, body?: object, token = ann.access): Promise<Answer> =>
  t.call('POST', path, { token, ...(body && { body }) })
const begin = async (token?: string): Promise<string> => {
  const { status, body, text } = await post('me/totp', undefined, token)
  assert.equal(status, 200, text)
  return body.secret
}
const confirm = (code: string, token?: string) => post('me/totp/confirm', { code }, token)
const add = async (token?: string): Promise<Answer> =>
  confirm(codeAt(await begin(token), t.clock.now()), token)
const remove = (token = ann.access) => t.call('DELETE', 'me/totp', { token })
const factors = async (token = ann.access) => (await t.call('GET', 'me/factors', { token })).body
const row = () => second.row('select * from totp_factors where user_id = ?', ann.id)
const authTimeOf = (access: string): number =>
  JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()).auth_time

describe('an authenticator app', () => {
  test('is shown as a secret, an address and a QR code, once, and is no factor yet', async () => {
    const { body, headers } = await post('me/totp')
    assert.match(body.secret, /^[A-Z2-7]{32}$/)
    assert.equal(new URL(body.uri).searchParams.get('secret'), body.secret)
    assert.equal(decodeURIComponent(new URL(body.uri).pathname), `/Gatewright:${ann.username}`)
    assert.match(body.qr_svg, /^<svg [\s\S]*<\/svg>$/)
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal((await factors()).totp, null)
    const login = await t.call('POST', 'login', { body: { username: ann.username, password } })
    assert.equal(login.status, 200)
  })

  test('is a factor with its first code, which brings ten recovery codes and a new pair', async () => {
    const answer = await add()
    assert.equal(answer.status, 200, answer.text)
    assert.equal(new Set(answer.body.recovery_codes).size, 10)
    assert.equal((await t.call('GET', 'me', { token: ann.access })).body.code, 'session_ended')
    assert.deepEqual((await factors(answer.body.access_token)).methods, ['totp', 'recovery_code'])
    const login = await t.call('POST', 'login', { body: { username: ann.username, password } })
    assert.equal(show(login), '401 mfa_required')
  })

  test('is added by cookie as well: a new cookie, and a new CSRF token', async () => {
    const username = freshName()
    await signUp(t, username)
    const browser = await openBrowser(t, username)
    const { body: shown } = await browse(t, browser, 'POST', 'me/totp')
    const body = { code: codeAt(shown.secret, t.clock.now()) }
    const answer = await browse(t, browser, 'POST', 'me/totp/confirm', { body })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(Object.keys(answer.body).sort(), ['csrf_token', 'recovery_codes'])
    assert.equal((await browse(t, toBrowser(answer), 'GET', 'me')).status, 200)
  })

  test('is sealed in the database, for its own row', async () => {
    const secret = await begin()
    const { body } = await confirm(codeAt(secret, t.clock.now()))
    const rows = JSON.stringify([row(), second.rows('select * from totp_enrolments')])
    assert.ok(!rows.includes(secret))
    const other = await signUp(t, freshName())
    await plantTotp(t.engine, other.id)
    // Whoever can write to the table gives the user an app of his own.
    await second.run(
      'update totp_factors set secret = (select secret from totp_factors where user_id = ?) where user_id = ?',
      other.id,
      ann.id,
    )
    const swapped = await t.call('POST', 'step-up', {
      token: body.access_token,
      body: { method: 'totp', code: await nextCode(t.engine, other.id) },
    })
    assert.equal(swapped.status, 500)
  })

  test('takes no code twice: not the one that confirmed it either', async () => {
    const secret = await begin()
    const code = codeAt(secret, t.clock.now())
    const { body } = await confirm(code)
    const answer = await post('step-up', { method: 'totp', code }, body.access_token)
    assert.equal(show(answer), '401 invalid_mfa_code')
  })

  test('is refused where there is one already, until that is removed', async () => {
    const { body } = await add()
    assert.equal(show(await post('me/totp', undefined, body.access_token)), '409 conflict')
  })

  test('is added once by two confirmations at once', async () => {
    const code = codeAt(await begin(), t.clock.now())
    const answers = await Promise.all([confirm(code), confirm(code), confirm(code)])
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(second.row('select count(*) as n from recovery_codes where user_id = ?', ann.id)?.n, 10)
  })

  for (const [which, wrong] of [
    ['a wrong code', 'abcdef'],
    ['an empty one', ' '],
    ['the code of two minutes ago', ''],
  ] as const)
    test(`is not confirmed by ${which}`, async () => {
      const secret = await begin()
      const code = wrong === '' ? codeAt(secret, t.clock.now() - 2 * minute) : wrong
      assert.equal(show(await confirm(code)), '401 invalid_mfa_code')
      assert.equal(row(), undefined)
    })

  test('is not confirmed ten minutes after it was shown, in the same session', async () => {
    const username = freshName()
    await signUp(t, username)
    const browser = await openBrowser(t, username)
    const { body: shown } = await browse(t, browser, 'POST', 'me/totp')
    const body = () => ({ code: codeAt(shown.secret, t.clock.now()) })
    t.clock.advance(10 * minute)
    const answer = await browse(t, browser, 'POST', 'me/totp/confirm', { body: body() })
    assert.equal(show(answer), '401 invalid_mfa_code')
    t.clock.advance(-1)
    const before = await browse(t, browser, 'POST', 'me/totp/confirm', { body: body() })
    assert.equal(before.status, 200, before.text)
  })

  test('factor fixation: what another session was shown can not be confirmed, also by its own user', async () => {
    const thief = await signInAgain(t, ann)
    const secret = await begin(thief.access)
    const code = codeAt(secret, t.clock.now())
    assert.equal(show(await confirm(code)), '401 invalid_mfa_code')
    const own = await begin()
    assert.equal(show(await confirm(codeAt(secret, t.clock.now()))), '401 invalid_mfa_code')
    assert.equal((await confirm(codeAt(own, t.clock.now()))).status, 200)
    assert.equal(show(await confirm(code, thief.access)), '401 insufficient_user_authentication')
  })
})

describe('removing the last factor', () => {
  test('ends all other sessions, takes the recovery codes, and leaves a session of one factor', async () => {
    await plantTotp(t.engine, ann.id)
    const { body: codes } = await post('me/recovery-codes')
    const { status, body, text } = await remove(codes.access_token)
    assert.equal(status, 200, text)
    const claims = JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString())
    assert.ok(!claims.amr.includes('mfa'))
    assert.deepEqual((await factors(body.access_token)).methods, [])
    assert.equal(second.row('select count(*) as n from recovery_codes where user_id = ?', ann.id)?.n, 0)
    const login = await t.call('POST', 'login', { body: { username: ann.username, password } })
    assert.equal(login.status, 200)
  })

  test('asks for a password of 15 characters first, where it is shorter', async () => {
    await plantTotp(t.engine, ann.id)
    const short = 'qX7%vN2#zr'
    const body = { current_password: password, new_password: short }
    const changed = await t.call('PUT', 'me/password', { token: ann.access, body })
    assert.equal(changed.status, 200, changed.text)
    const token = changed.body.access_token
    assert.equal((await factors(token)).password_needs_factor, true)
    assert.equal(show(await remove(token)), '400 password_too_short')
    assert.ok(row(), 'nothing was removed')
    const longer = { current_password: short, new_password: `${password}, and more` }
    const again = await t.call('PUT', 'me/password', { token, body: longer })
    assert.equal(again.status, 200, again.text)
    assert.equal((await remove(again.body.access_token)).status, 200)
  })

  test('is not found without one', async () => {
    assert.equal(show(await remove()), '404 not_found')
  })
})

test('a factor that was added after the request was let in is not removed by it: the session has shown none', async () => {
  const owner = { userId: ann.id, sessionId: sessionIdOf(ann.access), origin: systemOrigin }
  await plantTotp(t.engine, ann.id)
  await second.run(`update sessions set amr = 'pwd' where user_id = ?`, ann.id)
  await assert.rejects(removeTotp(t.engine, owner), {
    code: 'insufficient_user_authentication',
    details: { reason: 'factor_not_shown', maxAge: 600 },
  })
  assert.ok(row(), 'it is there')
})

describe('a password', () => {
  const change = (next: string, token = ann.access) =>
    t.call('PUT', 'me/password', { token, body: { current_password: password, new_password: next } })

  test('of 8 characters is long enough beside a second factor, and one of 7 is not', async () => {
    await plantTotp(t.engine, ann.id)
    assert.equal(show(await change('qX7%vN2')), '400 password_too_short')
    assert.equal((await change('qX7%vN2#')).status, 200)
  })

  test('of 14 characters is too short without one', async () => {
    assert.equal(show(await change('qX7%vN2#zrKp9!')), '400 password_too_short')
  })

  test('that is short is not stored where the factor goes while it is hashed', async () => {
    await plantTotp(t.engine, ann.id)
    const { hasher } = t.engine
    const hash: typeof hasher.hash = async (...shown) => {
      await forgetFactors(t.engine, ann.id)
      return hasher.hash(...shown)
    }
    const sessionId = sessionIdOf(ann.access)
    const change = changePassword(
      { ...t.engine, hasher: { ...hasher, hash } },
      {
        userId: ann.id,
        sessionId,
        password: parsePassword(password),
        newPassword: parsePassword('qX7%vN2#zr'),
        origin: systemOrigin,
      },
    )
    await assert.rejects(change, { code: 'unavailable' })
    const login = await t.call('POST', 'login', { body: { username: ann.username, password } })
    assert.equal(login.status, 200, 'the password is what it was')
  })

  test('is not changed to a short one while the factor is removed: one of the two is refused', async () => {
    for (let round = 0; round < 10; round++) {
      const bob = await signUp(t, freshName())
      await plantTotp(t.engine, bob.id)
      await Promise.all([change('qX7%vN2#zr', bob.access), remove(bob.access)])
      const user = second.row('select password_needs_factor from users where id = ?', bob.id)
      const held = second.row('select count(*) as n from totp_factors where user_id = ?', bob.id)
      assert.ok(user?.password_needs_factor === 0 || held?.n === 1, 'a short password stands alone')
    }
  })
})

describe('nobody gets a fresh sign-in by changing factors', () => {
  for (const [which, act] of [
    ['adding one', (token: string) => add(token)],
    ['a new set of recovery codes', (token: string) => post('me/recovery-codes', undefined, token)],
    ['removing one', (token: string) => remove(token)],
  ] as const)
    test(`by ${which}`, async () => {
      if (which !== 'adding one') await plantTotp(t.engine, ann.id)
      const before = authTimeOf(ann.access)
      t.clock.advance(5 * minute)
      const { status, body, text } = await act(ann.access)
      assert.equal(status, 200, text)
      assert.equal(authTimeOf(body.access_token), before)
      t.clock.advance(5 * minute + aSecond)
      assert.equal(
        show(await post('me/totp', undefined, body.access_token)),
        '401 insufficient_user_authentication',
      )
    })

  test('nor by the password, beside a second factor', async () => {
    await plantTotp(t.engine, ann.id)
    t.clock.advance(5 * minute)
    const body = { current_password: password, new_password: `${password}, another` }
    const changed = await t.call('PUT', 'me/password', { token: ann.access, body })
    assert.equal(authTimeOf(changed.body.access_token), authTimeOf(ann.access))
  })
})

test('recovery codes are for whoever has a second factor', async () => {
  assert.equal(show(await post('me/recovery-codes')), '409 conflict')
})

test('a new set of recovery codes ends the former one, and a sign-in that waits for its second half', async () => {
  await plantTotp(t.engine, ann.id)
  const { body: first } = await post('me/recovery-codes')
  const begun = await t.call('POST', 'login', { body: { username: ann.username, password } })
  const { body: next } = await post('me/recovery-codes', undefined, first.access_token)
  const show1 = (mfa_token: string, code: string) =>
    t.call('POST', 'login/mfa', { body: { mfa_token, method: 'recovery_code', code } })
  assert.equal((await show1(begun.body.mfa_token, next.recovery_codes[0])).status, 401)
  const again = await t.call('POST', 'login', { body: { username: ann.username, password } })
  assert.equal((await show1(again.body.mfa_token, first.recovery_codes[0])).status, 401)
  assert.equal((await show1(again.body.mfa_token, next.recovery_codes[0])).status, 200)
})

test('each change is told to its owner by mail', async () => {
  await second.run(
    `update users set email = ?, email_key = ?, email_verified_at = 1 where id = ?`,
    `${ann.username}@example.org`,
    `${ann.username}@example.org`,
    ann.id,
  )
  const kinds = () =>
    second
      .rows('select kind from mails where user_id = ? order by created_at, id', ann.id)
      .map(({ kind }) => kind)
  const { body: added } = await add()
  t.clock.advance(aSecond)
  const { body: renewed } = await post('me/recovery-codes', undefined, added.access_token)
  t.clock.advance(aSecond)
  assert.equal((await remove(renewed.access_token)).status, 200)
  assert.deepEqual(kinds(), ['factor-added', 'recovery-codes-renewed', 'factor-removed'])
})

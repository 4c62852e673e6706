import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { second as aSecond, minute } from 'gatewright/clock'
import { throttleRule } from '../../packages/gatewright/src/sign-in/throttle-rule.ts'
import { type Answer, type Caller, password, signUp, startTestApp } from '../harness.ts'
import { keepHashesCheap } from '../models/cheap-passwords.ts'
import { freshName, signInAgain } from '../senders.ts'
import { browse, openBrowser, show, toBrowser } from '../sessions/browser.ts'
import { enrolWithCodes, nextCode, plantTotp } from './enrolled.ts'
import { second, t, useScene } from './scene.ts'

let ann: Caller
useScene()
beforeEach(async () => {
  t.clock.advance(minute)
  ann = await signUp(t, freshName())
})

const claimsOf = (access: string) =>
  JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
const stepUp = (body: object, token = ann.access): Promise<Answer> =>
  t.call('POST', 'step-up', { token, body })
const code = (): Promise<string> => nextCode(t.engine, ann.id)
const showApp = async (token = ann.access): Promise<Answer> =>
  stepUp({ method: 'totp', code: await code() }, token)
const methods = async (): Promise<unknown> =>
  (await t.call('POST', 'step-up/options', { token: ann.access })).body.methods
const refreshLater = async ({ refresh }: Pick<Caller, 'refresh'>): Promise<string> => {
  t.clock.advance(11 * minute)
  const { body } = await t.call('POST', 'refresh', { body: { refresh_token: refresh } })
  return body.access_token
}

describe('what proves a user once more', () => {
  test('is the password, as long as there is no second factor', async () => {
    assert.deepEqual(await methods(), ['password'])
    const { status, body } = await stepUp({ password })
    assert.equal(status, 200)
    assert.deepEqual(claimsOf(body.access_token).amr, ['pwd'])
  })

  test('is a second factor for whoever has one, and then the password alone is not enough', async () => {
    await enrolWithCodes(t.engine, ann.id)
    assert.deepEqual(await methods(), ['totp', 'recovery_code'])
    const refused = await stepUp({ password })
    assert.equal(show(refused), '401 mfa_required')
    assert.deepEqual(refused.body.methods, ['totp', 'recovery_code'])
    assert.equal(refused.body.mfa_token, undefined)
    assert.equal((await showApp()).status, 200)
  })

  test('is not told by the answer to be a right or a wrong password, beside a factor', async () => {
    await plantTotp(t.engine, ann.id)
    const told = []
    for (const shown of [password, 'not the password at all']) {
      const { status, body } = await stepUp({ password: shown })
      told.push([status, body.code, body.detail])
    }
    assert.deepEqual(told[1], told[0])
  })

  test('is one proof: both together, half of one, or none, are no request', async () => {
    for (const body of [
      {},
      { method: 'totp', code: '000000', password },
      { code: '000000' },
      { code: '000000', password },
      { method: 'password', password },
    ])
      assert.equal(show(await stepUp(body)), '400 validation_failed', JSON.stringify(body))
  })
})

describe('a step-up by a second factor', () => {
  beforeEach(() => plantTotp(t.engine, ann.id))

  test('gives a new id and fresh times, and keeps what the session has proved before', async () => {
    const access = await refreshLater(ann)
    const before = claimsOf(access)
    const { status, body, text } = await showApp(access)
    assert.equal(status, 200, text)
    const now = claimsOf(body.access_token)
    assert.notEqual(now.sid, before.sid)
    assert.equal(now.auth_time, Math.floor(t.clock.now() / 1_000))
    assert.deepEqual(now.amr, ['pwd', 'otp', 'mfa'])
    assert.equal((await t.call('GET', 'me', { token: access })).body.code, 'session_ended')
  })

  test('adds the factor to a session that was there before it', async () => {
    await second.run(`update sessions set amr = 'pwd' where user_id = ?`, ann.id)
    const { body } = await showApp()
    assert.deepEqual(claimsOf(body.access_token).amr, ['pwd', 'otp', 'mfa'])
  })

  test('is done by cookie as well, with a new cookie and CSRF token', async () => {
    const username = freshName()
    const { id } = await signUp(t, username)
    const browser = await openBrowser(t, username)
    await plantTotp(t.engine, id)
    const body = { method: 'totp', code: await nextCode(t.engine, id) }
    const answer = await browse(t, browser, 'POST', 'step-up', { body })
    assert.equal(answer.status, 200, answer.text)
    const next = toBrowser(answer)
    assert.notEqual(next.cookie, browser.cookie)
    assert.equal((await browse(t, next, 'GET', 'me')).status, 200)
    assert.equal((await browse(t, browser, 'GET', 'me')).body.code, 'session_renewed')
  })

  test('TOTP replay: of twenty at once with one code one is taken, in sessions of one user', async () => {
    const shown = await code()
    await second.run('delete from totp_enrolments')
    const others = []
    for (let n = 0; n < 19; n++) others.push(await startAnother())
    const answers = await Promise.all(
      [ann.access, ...others].map(token => stepUp({ method: 'totp', code: shown }, token)),
    )
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(answers.filter(answer => show(answer) === '401 invalid_mfa_code').length, 19)
  })

  test('a code that signed somebody in does not step up, and the other way round', async () => {
    const shown = await code()
    const begun = await t.call('POST', 'login', { body: { username: ann.username, password } })
    const mfa = { mfa_token: begun.body.mfa_token, method: 'totp', code: shown }
    assert.equal((await t.call('POST', 'login/mfa', { body: mfa })).status, 200)
    assert.equal(show(await stepUp({ method: 'totp', code: shown })), '401 invalid_mfa_code')
  })

  test('a recovery code does as well, once, and its owner’s history says so', async () => {
    const [used = ''] = await renewCodes()
    const { status, body } = await stepUp({ method: 'recovery_code', code: used })
    assert.equal(status, 200)
    const again = await stepUp({ method: 'recovery_code', code: used }, body.access_token)
    assert.equal(show(again), '401 invalid_mfa_code')
    const row = second.row(
      `select details from audit_events where event = 'recovery-code.used' and user_id = ?`,
      ann.id,
    )
    assert.deepEqual(JSON.parse(String(row?.details)), { left: 9 })
  })
})

const renewCodes = async (): Promise<readonly string[]> => {
  await second.run('delete from totp_factors where user_id = ?', ann.id)
  return enrolWithCodes(t.engine, ann.id)
}

/** The same user's further session, as if the factor had been added later. */
const startAnother = async (): Promise<string> => {
  const row = await t.engine.db
    .selectFrom('totp_factors')
    .selectAll()
    .where('user_id', '=', ann.id)
    .executeTakeFirstOrThrow()
  const { access } = await signInAgain(t, ann)
  await t.engine.db.insertInto('totp_factors').values(row).execute()
  return access
}

describe('guessing', () => {
  test('a thief of a session guesses at the factor as often as strangers may, however often it is renewed', async () => {
    const limited = await startTestApp({ limitsScale: 1 })
    keepHashesCheap(limited.engine.hasher)
    const bob = await signUp(limited, 'bob')
    await plantTotp(limited.engine, bob.id)
    let through = 0
    for (let n = 0; n < 3 * throttleRule.free; n++) {
      limited.clock.advance(12 * aSecond)
      const body = { method: 'totp', code: 'abcdef' }
      const answer = await limited.call('POST', 'step-up', { token: bob.access, body })
      assert.equal(answer.status, 401, answer.text)
      const { reason } = await limited.engine.db
        .selectFrom('audit_events')
        .select('reason')
        .where('event', '=', 'second-factor.failed')
        .orderBy('id', 'desc')
        .executeTakeFirstOrThrow()
      if (reason === 'wrong_code') through += 1
    }
    assert.ok(through <= throttleRule.free + 4, `${through}`)
    const begun = await limited.call('POST', 'login', { body: { username: 'bob', password } })
    const shown = await nextCode(limited.engine, bob.id)
    const mfa = { mfa_token: begun.body.mfa_token, method: 'totp', code: shown }
    const entered = await limited.call('POST', 'login/mfa', { body: mfa })
    assert.equal(entered.status, 200, 'what is guessed in a session delays no sign-in')
    await limited.close()
  })
})

describe('a session from before the second factor', () => {
  const guarded = [
    ['DELETE', 'me', undefined],
    ['PUT', 'me/password', { current_password: password, new_password: `${password}, another` }],
    ['DELETE', 'sessions', undefined],
    ['POST', 'me/totp', undefined],
    ['DELETE', 'me/totp', undefined],
    ['POST', 'me/recovery-codes', undefined],
  ] as const
  for (const [method, path, body] of guarded)
    test(`is not fresh enough for ${method} /${path}, however new it is: a thief of the password was there first`, async () => {
      await plantTotp(t.engine, ann.id)
      await second.run(`update sessions set amr = 'pwd' where user_id = ?`, ann.id)
      // Its token says so as well.
      const { body: pair } = await t.call('POST', 'refresh', { body: { refresh_token: ann.refresh } })
      const sent = { token: pair.access_token, ...(body && { body }) }
      const answer = await t.call(method, path, sent)
      assert.equal(show(answer), '401 insufficient_user_authentication')
      assert.match(
        String(answer.headers['www-authenticate']),
        /error="insufficient_user_authentication".*max_age="600"/,
      )
      const { body: fresh } = await showApp(pair.access_token)
      const again = await t.call(method, path, { ...sent, token: fresh.access_token })
      assert.ok(again.status < 300 || again.body.code === 'conflict', again.text)
    })
})

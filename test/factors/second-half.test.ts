import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { second as aSecond, minute } from 'gatewright/clock'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { codePurposes } from '../../packages/gatewright/src/codes/purposes.ts'
import { throttleRule } from '../../packages/gatewright/src/sign-in/throttle-rule.ts'
import { type Answer, type Call, password, startTestApp, type TestApp } from '../harness.ts'
import { hashCheaply, keepHashesCheap } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { cookieOf, show } from '../sessions/browser.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser } from '../sessions/signed-in.ts'
import { enrolWithCodes, nextCode } from './enrolled.ts'

const passwordHash = hashCheaply(password)
const { attempts } = codePurposes['second-factor']

let t: TestApp
let second: SecondConnection
let network = 0
let name: string
let userId: string
let recoveryCodes: readonly string[]
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  keepHashesCheap(t.engine.hasher)
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})
beforeEach(async () => {
  t.clock.advance(5 * minute)
  name = freshName()
  userId = (await addUser(t.engine, name, { passwordHash })).id
  recoveryCodes = await enrolWithCodes(t.engine, userId)
})

/** Each from an address that nobody had before. */
const address = (): string => `10.0.${Math.floor(network / 256) % 256}.${network++ % 256}`
const send = (path: string, body: object, call: Call = {}): Promise<Answer> =>
  t.call('POST', path, { body, address: address(), ...call })
const begin = async (path = 'login', call: Call = {}): Promise<string> => {
  const { status, body, text } = await send(path, { username: name, password }, call)
  assert.equal(`${status} ${body.code}`, '401 mfa_required', text)
  return body.mfa_token
}
const showCode = (mfa_token: string, code: string, method = 'totp', call: Call = {}) =>
  send('login/mfa', { mfa_token, method, code }, call)
const code = (steps?: number): Promise<string> => nextCode(t.engine, userId, steps)
/** A code that the app has never shown, nor will soon. */
const wrongCode = async (): Promise<string> => {
  const near = await Promise.all([-3, -2, -1, 0, 1, 2, 3].map(steps => code(steps)))
  return ['000000', '111111', '222222', '333333', '444444', '555555', '666666', '777777'].find(
    each => !near.includes(each),
  ) as string
}
const sessions = (): number =>
  Number(second.row('select count(*) as n from sessions where user_id = ?', userId)?.n)
const failures = (): readonly unknown[] =>
  second
    .rows(
      `select reason from audit_events where event = 'second-factor.failed' and user_id = ? order by id`,
      userId,
    )
    .map(({ reason }) => reason)
const refused = (answer: Answer): void => assert.equal(show(answer), '401 invalid_mfa_code', answer.text)

describe('the first half', () => {
  test('of whoever has a second factor starts no session, and says what can be shown', async () => {
    const answer = await send('login', { username: name, password })
    assert.equal(show(answer), '401 mfa_required')
    assert.deepEqual(answer.body.methods, ['totp', 'recovery_code'])
    assert.equal(Buffer.from(answer.body.mfa_token, 'base64url').length, 32)
    assert.equal(sessions(), 0)
    assert.equal(answer.headers['set-cookie'], undefined)
  })

  test('tells a wrong password nothing: the answer is that of a user without a factor, and of nobody', async () => {
    const plain = freshName()
    await addUser(t.engine, plain, { passwordHash })
    const told = []
    for (const username of [name, plain, 'nobody-at-all']) {
      const { status, headers, body } = await send('login', { username, password: 'not this one at all' })
      const { request_id: _, ...said } = body
      const changing = ['x-request-id', 'date', 'ratelimit']
      told.push([status, said, Object.entries(headers).filter(([header]) => !changing.includes(header))])
    }
    assert.deepEqual(told[1], told[0])
    assert.deepEqual(told[2], told[0])
  })

  test('is kept as a hash, and is nothing that any other door takes', async () => {
    const mfaToken = await begin()
    assert.ok(!JSON.stringify(second.rows('select * from codes')).includes(mfaToken))
    const as = (headers: Record<string, string>) => ({ headers, address: address() })
    for (const [method, path, call] of [
      ['GET', 'me', as({ authorization: `Bearer ${mfaToken}` })],
      ['GET', 'protected', as({ cookie: `gw_session=${mfaToken}` })],
      ['POST', 'me/totp', as({ authorization: `Bearer ${mfaToken}` })],
      ['POST', 'step-up', { ...as({ authorization: `Bearer ${mfaToken}` }), body: { password } }],
      ['POST', 'refresh', { ...as({}), body: { refresh_token: mfaToken } }],
      ['POST', 'logout', { ...as({}), body: { refresh_token: mfaToken } }],
      ['POST', 'setup', { ...as({}), body: { token: mfaToken, username: 'x', password } }],
    ] as const)
      assert.ok((await t.call(method, path, call)).status >= 400, `${method} ${path}`)
    assert.equal(sessions(), 0)
  })
})

describe('the second half', () => {
  test('answers as the route that the first one was asked at: a pair', async () => {
    const answer = await showCode(await begin(), await code())
    assert.equal(answer.status, 200, answer.text)
    const { body } = await t.call('GET', 'protected', { token: answer.body.access_token })
    assert.equal(body.user.id, userId)
    assert.equal(answer.headers['set-cookie']?.toString().includes('gw_session'), false)
  })

  test('or a cookie, with a CSRF token', async () => {
    const answer = await showCode(await begin('sessions'), await code())
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual(Object.keys(answer.body), ['csrf_token'])
    const cookies = [answer.headers['set-cookie'] ?? []].flat().map(String)
    const session = cookies.find(cookie => cookie.startsWith('gw_session='))
    assert.match(session ?? '', /; HttpOnly; SameSite=Lax$/)
  })

  test('says in the token and the session by what it was proved', async () => {
    const { body } = await showCode(await begin(), await code())
    const claims = JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString())
    assert.deepEqual(claims.amr, ['pwd', 'otp', 'mfa'])
  })

  test('takes a recovery code in place of the app, however it is typed', async () => {
    const [one = '', other = ''] = recoveryCodes
    const typed = other.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')
    assert.equal((await showCode(await begin(), one, 'recovery_code')).status, 200)
    assert.equal((await showCode(await begin(), typed, 'recovery_code')).status, 200)
  })

  test('ends the session of the cookie that it replaces', async () => {
    const first = await showCode(await begin('sessions'), await code())
    const cookie = [first.headers['set-cookie'] ?? []]
      .flat()
      .map(String)
      .find(text => /^gw_session/.test(text))
    const [own = ''] = (cookie ?? '').split(';')
    t.clock.advance(minute)
    const again = await code()
    const headers = { cookie: own, origin: t.engine.publicUrl, 'sec-fetch-site': 'same-origin' }
    const answer = await showCode(await begin('sessions'), again, 'totp', { headers })
    assert.equal(answer.status, 201, answer.text)
    const rows = second.rows('select end_reason from sessions where user_id = ? order by created_at', userId)
    assert.deepEqual(
      rows.map(({ end_reason }) => end_reason),
      ['logout', null],
    )
  })

  test('remembers the browser, which is then known: strangers’ failures delay it no more', async () => {
    const answer = await showCode(await begin('sessions'), await code())
    const device = [answer.headers['set-cookie'] ?? []]
      .flat()
      .map(String)
      .find(text => /^gw_device/.test(text))
    const [own = ''] = (device ?? '').split(';')
    assert.ok(own)
    const wrong = await wrongCode()
    for (let half = 0; half < 3; half++) {
      const mfaToken = await begin()
      for (let n = 0; n < attempts; n++) refused(await showCode(mfaToken, wrong))
      t.clock.advance(2 * aSecond)
    }
    refused(await showCode(await begin(), await code()))
    const known = await showCode(await begin(), await code(), 'totp', { headers: { cookie: own } })
    assert.equal(known.status, 200, known.text)
  })
})

describe('TOTP replay', () => {
  test('a code that was taken is refused, also in another sign-in, until the end of its time', async () => {
    const used = await code()
    const mfaToken = await begin()
    assert.equal((await showCode(mfaToken, used)).status, 200)
    refused(await showCode(mfaToken, used))
    refused(await showCode(await begin(), used))
    t.clock.advance(20 * aSecond)
    refused(await showCode(await begin(), used))
    assert.deepEqual(failures(), ['replayed_code', 'replayed_code'])
    assert.equal(sessions(), 1)
  })

  test('a code of a step before one that was taken is refused: nobody uses what was seen over a shoulder', async () => {
    t.clock.advance(30 * aSecond)
    const [seen, used] = [await code(1), await code(2)]
    assert.equal((await showCode(await begin(), used)).status, 200)
    refused(await showCode(await begin(), seen))
  })

  test('of twenty who show one code at once, each in a sign-in of its own, one gets in', async () => {
    const halves = []
    for (let n = 0; n < 20; n++) {
      halves.push(await begin())
      t.clock.advance(100)
    }
    const used = await code()
    const answers = await Promise.all(halves.map(mfaToken => showCode(mfaToken, used)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    for (const answer of answers) if (answer.status !== 200) refused(answer)
    assert.equal(sessions(), 1)
  })

  test('of five who show one code at once in one sign-in, one gets in', async () => {
    const [mfaToken, used] = [await begin(), await code()]
    const answers = await Promise.all(Array.from({ length: 5 }, () => showCode(mfaToken, used)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(sessions(), 1)
  })
})

describe('a recovery code', () => {
  test('works once: of twenty who show it at once one gets in, and nobody after that', async () => {
    const halves = []
    for (let n = 0; n < 20; n++) halves.push(await begin())
    const [used = ''] = recoveryCodes
    const answers = await Promise.all(halves.map(mfaToken => showCode(mfaToken, used, 'recovery_code')))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    refused(await showCode(await begin(), used, 'recovery_code'))
    assert.equal(sessions(), 1)
    assert.equal(second.row('select count(*) as n from recovery_codes where user_id = ?', userId)?.n, 9)
  })

  test('of another user is none', async () => {
    const other = await addUser(t.engine, freshName(), { passwordHash })
    const [foreign = ''] = await enrolWithCodes(t.engine, other.id)
    refused(await showCode(await begin(), foreign, 'recovery_code'))
  })

  test('is not spent on a sign-in that is over', async () => {
    const mfaToken = await begin()
    assert.equal((await showCode(mfaToken, await code())).status, 200)
    const [kept = ''] = recoveryCodes
    refused(await showCode(mfaToken, kept, 'recovery_code'))
    assert.equal((await showCode(await begin(), kept, 'recovery_code')).status, 200)
  })

  test('is kept as a hash of 120 random bits, so that whoever reads the table can not sign in', async () => {
    const kept = JSON.stringify(second.rows('select * from recovery_codes'))
    for (const each of recoveryCodes) {
      assert.match(each, /^([0-9A-HJKMNP-TV-Z]{6}-){3}[0-9A-HJKMNP-TV-Z]{6}$/)
      assert.ok(!kept.includes(each) && !kept.includes(each.replaceAll('-', '')))
    }
    assert.equal(new Set(recoveryCodes).size, 10)
  })

  test('downgrade to recovery codes: they are guessed no faster for being there', async () => {
    const mfaToken = await begin()
    for (let n = 0; n < attempts; n++)
      refused(await showCode(mfaToken, recoveryCodes[0]?.replace(/.$/, '?') ?? '', 'recovery_code'))
    refused(await showCode(mfaToken, await code()))
  })
})

describe('brute force', () => {
  test('a sign-in takes five attempts, and then not even the right code', async () => {
    const [mfaToken, wrong] = [await begin(), await wrongCode()]
    const left = []
    for (let n = 0; n < attempts; n++) left.push((await showCode(mfaToken, wrong)).body.attempts_left)
    assert.deepEqual(left, [4, 3, 2, 1, 0])
    refused(await showCode(mfaToken, await code()))
    assert.equal(sessions(), 0)
  })

  test('of twenty wrong ones at once five are looked at', async () => {
    const [mfaToken, wrong] = [await begin(), await wrongCode()]
    const answers = await Promise.all(Array.from({ length: 20 }, () => showCode(mfaToken, wrong)))
    for (const answer of answers) refused(answer)
    assert.equal(failures().filter(reason => reason === 'wrong_code').length, attempts)
  })

  test('over challenges: a new sign-in gives no new guesses, however many are begun', async () => {
    const wrong = await wrongCode()
    for (let half = 0; half < 8; half++) {
      t.clock.advance(aSecond)
      const mfaToken = await begin()
      for (let n = 0; n < attempts; n++) refused(await showCode(mfaToken, wrong))
    }
    const checked = failures().filter(reason => reason === 'wrong_code').length
    assert.equal(checked, throttleRule.free)
    refused(await showCode(await begin(), await code()))
  })

  test('a recovery code is still taken while the app’s codes are guessed at: each factor has its own counter', async () => {
    const wrong = await wrongCode()
    for (let half = 0; half < 3; half++) {
      const mfaToken = await begin()
      for (let n = 0; n < attempts; n++) refused(await showCode(mfaToken, wrong))
    }
    assert.equal((await showCode(await begin(), recoveryCodes[0] ?? '', 'recovery_code')).status, 200)
  })

  test('ten sign-ins left half done keep nobody from the password', async () => {
    for (let n = 0; n < 3 * throttleRule.free; n++) {
      await begin()
      t.clock.advance(15 * aSecond)
    }
    assert.equal((await showCode(await begin(), await code())).status, 200)
  })
})

describe('a first half opens nothing', () => {
  const refusals: Record<string, (mfaToken: string) => Promise<unknown>> = {
    'after ten minutes': async () => t.clock.advance(10 * minute),
    'once it was used': async mfaToken => {
      assert.equal((await showCode(mfaToken, await code())).status, 200)
      t.clock.advance(minute)
    },
    'once the user is disabled': () => disableUser(t.engine, { userId, origin }),
    'once an event of the user has ended it': () =>
      t.engine.db.deleteFrom('codes').where('user_id', '=', userId).execute(),
  }
  for (const [which, arrange] of Object.entries(refusals))
    test(which, async () => {
      const mfaToken = await begin()
      await arrange(mfaToken)
      const before = sessions()
      const answer = await showCode(mfaToken, await code(2))
      refused(answer)
      assert.equal(answer.body.attempts_left, 0)
      assert.equal(sessions(), before)
    })

  test('with the code of another user', async () => {
    const other = await addUser(t.engine, freshName(), { passwordHash })
    await enrolWithCodes(t.engine, other.id)
    refused(await showCode(await begin(), await nextCode(t.engine, other.id)))
    assert.equal(sessions(), 0)
  })

  test('with a method that the user does not have, or nothing shown', async () => {
    await t.engine.db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
    refused(await showCode(await begin(), 'AAAAAA-AAAAAA-AAAAAA-AAAAAA', 'recovery_code'))
    refused(await send('login/mfa', { mfa_token: await begin(), method: 'totp' }))
  })

  test('that was made up, or is a code for something else, and all of them are answered alike', async () => {
    const told = []
    for (const mfaToken of ['made-up', 'A'.repeat(43), await begin()]) {
      if (told.length === 2) await t.engine.db.deleteFrom('codes').execute()
      const { status, body } = await showCode(mfaToken, await code())
      const { request_id: _, ...said } = body
      told.push([status, said])
    }
    assert.deepEqual(told[1], told[0])
    assert.deepEqual(told[2], told[0])
  })
})

test('login CSRF: another site can not have the second half set a cookie', async () => {
  const mfaToken = await begin('sessions')
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  const answer = await showCode(mfaToken, await code(), 'totp', { headers })
  assert.equal(show(answer), '403 csrf_failed')
  assert.equal(cookieOf(answer), undefined)
})

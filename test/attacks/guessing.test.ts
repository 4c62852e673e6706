import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { selectEvents } from '../../packages/gatewright/src/audit/read-events.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { day, hour, minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { stepUpByPassword as stepUpInSession } from '../../packages/gatewright/src/sign-in/step-up.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { linkTo } from '../mail/person.ts'
import { hashCheaply, keepHashesCheap } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { addUser } from '../sessions/signed-in.ts'
import {
  addUsers,
  deviceCookie,
  enter,
  mostOfAddress,
  mostOfUser,
  playOneUser,
  playSpraying,
  playStuffing,
  type Sums,
} from './played-attacks.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  keepHashesCheap(t.engine.hasher)
})
after(() => t.close())

const assertBounded = (test: TestContext, sums: Sums): void => {
  test.diagnostic(JSON.stringify(sums))
  assert.ok(sums.ofOneUser <= mostOfUser, `${sums.ofOneUser} of one user in an hour`)
  assert.ok(sums.ofOneAddress <= mostOfAddress, `${sums.ofOneAddress} of one address in an hour`)
}

describe('guesses that reach the hash: at most 20 an hour at one user, and 30 from one address', () => {
  test('credential stuffing: a list of leaked passwords, tried from 300 addresses', async test => {
    const sums = await playStuffing(t, 3)
    assertBounded(test, sums)
    // Of each of the thirty users the ten free ones, and one after each pause.
    assert.deepEqual([sums.sent, sums.hashed], [900, 30 * 12])
  })

  test('password spraying: one password, tried at 200 users from one address', async test => {
    t.clock.advance(day)
    const sums = await playSpraying(t, 1)
    assertBounded(test, sums)
    assert.ok(sums.hashed < 50, `${sums.hashed}`)
  })

  test('password spraying: one password, tried at 200 users from 40 addresses', async test => {
    t.clock.advance(day)
    const sums = await playSpraying(t, 40, 2)
    assertBounded(test, sums)
    assert.equal(sums.ofOneUser, 2)
  })

  test('brute force: a username and its e-mail address in turn are guesses at one user', async () => {
    t.clock.advance(day)
    const [name = ''] = await addUsers(t, 1)
    const email = `${name}@example.org`
    await t.engine.db
      .updateTable('users')
      .set({ email, email_key: email, email_verified_at: 1 })
      .where('username', '=', name)
      .execute()
    const before = t.engine.hasher.count()
    for (let n = 0; n < 20; n++) {
      const guessed = n % 2 === 0 ? name : email.toUpperCase()
      await enter(t, { name: guessed, from: `198.18.7.${n}` }, { shown: 'a wrong one, long' })
    }
    assert.equal(t.engine.hasher.count() - before, 10)
    const lifting = { name: email, from: '203.0.113.1' }
    t.clock.advance(4 * hour)
    assert.equal(show(await enter(t, lifting)), '401 invalid_credentials', 'waiting is no proof')
    const token = await linkTo(t, email, 'prove')
    const cookie = deviceCookie(await t.call('POST', 'sign-in/prove', { body: { token } }))
    for (let n = 0; n < 10; n++)
      await enter(t, { name: email, from: `198.18.8.${n}` }, { shown: 'a wrong one, long' })
    assert.equal(show(await enter(t, { name, from: '203.0.113.2' })), '401 invalid_credentials')
    assert.equal(show(await enter(t, { ...lifting, name }, { cookie })), '201')
    assert.equal(show(await enter(t, { name: email, from: '203.0.113.3' })), '201')
  })

  test('brute force: a name at which strangers have guessed is no fresh one for whoever gets it', async () => {
    t.clock.advance(day)
    const name = freshName()
    for (let n = 0; n < 10; n++)
      await enter(t, { name, from: `198.18.9.${n}` }, { shown: 'a wrong one, long' })
    await addUser(t.engine, name, { passwordHash: hashCheaply(password) })
    assert.equal(show(await enter(t, { name, from: '203.0.113.1' })), '401 invalid_credentials')
    t.clock.advance(minute)
    assert.equal(show(await enter(t, { name, from: '203.0.113.1' })), '201')
  })

  test('brute force: guesses at one user from 300 addresses, who signs in from a known device all the while', async test => {
    t.clock.advance(day)
    const sums = await playOneUser(t, 900)
    assertBounded(test, sums)
    assert.equal(sums.signedIn, 3)
  })
})

test('fifty honest users behind one address, of whom every tenth mistypes, all get in within two minutes', async () => {
  t.clock.advance(day)
  const from = '203.0.113.99'
  for (const [n, name] of (await addUsers(t, 50)).entries()) {
    t.clock.advance((2 * minute) / 50)
    if (n % 10 === 3)
      assert.equal(show(await enter(t, { name, from }, { shown: `${password}.` })), '401 invalid_credentials')
    if (n % 10 === 3) t.clock.advance(2 * second)
    assert.equal(show(await enter(t, { name, from })), '201', name)
  }
})

describe('while throttled nothing tells what is behind it', () => {
  const from = (n: number): string => `198.51.100.${n}`
  /** All that an answer says, but when it was made and for which request. */
  const told = async (name: string, address: string, shown: string) => {
    const before = t.engine.hasher.count()
    const { status, headers, body } = await enter(t, { name, from: address }, { shown })
    const { 'x-request-id': _, date: __, ...others } = headers
    return {
      status,
      headers: others,
      body: { ...body, request_id: '' },
      hashes: t.engine.hasher.count() - before,
    }
  }

  test('username enumeration, credential testing: right or wrong, of somebody or nobody, is one answer, unhashed', async () => {
    const [name = ''] = await addUsers(t, 1)
    for (const guessed of [name, 'nobody-at-all'])
      for (let n = 0; n < 10; n++)
        await enter(t, { name: guessed, from: from(n) }, { shown: 'a wrong one, long' })
    const answers = [
      await told(name, from(20), password),
      await told(name, from(21), 'a wrong one, long'),
      await told('nobody-at-all', from(22), password),
      await told('nobody-at-all', from(23), 'a wrong one, long'),
    ]
    for (const answer of answers) assert.deepEqual(answer, answers[0])
    assert.deepEqual([answers[0]?.status, answers[0]?.hashes], [401, 0])
    const { hashes, ...wrong } = await told('nobody-else', from(24), 'a wrong one, long')
    const { hashes: none, ...throttled } = answers[0] ?? {}
    assert.deepEqual([wrong, hashes, none], [throttled, 1, 0])
  })

  test('it leaves at the next multiple of 250 ms, as a wrong password does', async () => {
    const [name = ''] = await addUsers(t, 1)
    const waits: number[] = []
    const { sleep } = t.clock
    Object.assign(t.clock, {
      sleep: (milliseconds: number) => {
        waits.push(milliseconds)
        return sleep(milliseconds)
      },
    })
    try {
      for (let n = 0; n < 12; n++)
        await enter(t, { name, from: from(30 + n) }, { shown: 'a wrong one, long' })
    } finally {
      Object.assign(t.clock, { sleep })
    }
    assert.deepEqual(
      waits.filter(wait => wait <= 250),
      Array(12).fill(250),
    )
  })

  test('the audit events alone say throttled, and whom it concerns: what was submitted stands nowhere', async () => {
    const name = 'my-secret-typed-as-a-name'
    for (let n = 0; n < 11; n++) await enter(t, { name, from: from(60 + n) }, { shown: 'a wrong one, long' })
    const { engine } = t
    const rows = await selectEvents(engine.db)
      .where('event', '=', 'sign-in.failed')
      .where('audit_personal.address', 'in', [from(69), from(70)])
      .orderBy('id')
      .execute()
    assert.deepEqual(
      rows.map(({ reason }) => reason),
      ['unknown_user', 'throttled'],
    )
    const counters = await engine.db.selectFrom('sign_in_throttles').selectAll().execute()
    assert.ok(!JSON.stringify([rows, counters, t.logLines]).includes(name))
  })
})

test('account takeover by a stolen session: its thief has ten guesses at the password, strangers and owner their own', async () => {
  const [name = ''] = await addUsers(t, 1)
  const signIn = async (): Promise<string> => {
    const body = { username: name, password }
    return (await t.call('POST', 'login', { body, address: '203.0.113.5' })).body.access_token
  }
  const [stolen, own] = [await signIn(), await signIn()]
  const stepUp = (token: string, shown: string) =>
    t.call('POST', 'step-up', { token, body: { password: shown } })
  for (let n = 0; n < 10; n++) {
    t.clock.advance(minute / 2)
    assert.equal(show(await stepUp(stolen, 'a wrong one, long')), '401 invalid_credentials')
  }
  const before = t.engine.hasher.count()
  assert.equal(show(await stepUp(stolen, password)), '401 invalid_credentials')
  assert.equal(t.engine.hasher.count(), before)
  assert.equal(show(await stepUp(own, password)), '200')
  assert.equal(show(await enter(t, { name, from: '203.0.113.6' })), '201')
})

test('a right password in a session is no guess where what it was asked for fails', async () => {
  t.clock.advance(day)
  const [name = ''] = await addUsers(t, 1)
  const body = { username: name, password }
  const { access_token: token } = (await t.call('POST', 'login', { body, address: '203.0.113.7' })).body
  const { id: sessionId, user_id: userId } = await t.engine.db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['sessions.id', 'sessions.user_id'])
    .where('users.username', '=', name)
    .executeTakeFirstOrThrow()
  const secretInForce = () => {
    throw new Refusal('unavailable')
  }
  const failing = { ...t.engine, processes: { ...t.engine.processes, secretInForce } }
  const shown = { userId, sessionId, origin, password: parsePassword(password) }
  for (let n = 0; n < 12; n++) await assert.rejects(stepUpInSession(failing, shown), { code: 'unavailable' })
  assert.equal(show(await t.call('POST', 'step-up', { token, body: { password } })), '200')
})

test('a class behind one address that signs in at the same moment gets in', async () => {
  t.clock.advance(day)
  const names = await addUsers(t, 28)
  const answers = await Promise.all(names.map(name => enter(t, { name, from: '203.0.113.8' })))
  assert.deepEqual(new Set(answers.map(show)), new Set(['201']))
})

test('but no more than 15 wrong ones of it reach the hash', async () => {
  t.clock.advance(day)
  const names = await addUsers(t, 28)
  const before = t.engine.hasher.count()
  const from = '203.0.113.9'
  const shown = 'a wrong one, long'
  const answers = await Promise.all(names.map(name => enter(t, { name, from }, { shown })))
  assert.equal(t.engine.hasher.count() - before, 15)
  assert.equal(answers.filter(answer => show(answer) === '429 rate_limited').length, 13)
})

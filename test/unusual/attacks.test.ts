import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, hour, minute } from 'gatewright/clock'
import { patternNames } from '../../packages/gatewright/src/unusual/patterns.ts'
import { deviceCookie } from '../attacks/played-attacks.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { keepHashesCheap } from '../models/cheap-passwords.ts'
import { show } from '../sessions/browser.ts'
import { addPeople, addPerson, countRaised, type Person, raisedBy, signIn, subjectsTo } from './watched.ts'

let t: TestApp
let administrator: Person
const office = '192.0.2.10'
const wrong = 'a wrong one, and long'
const digest = 'Unusual sign-ins at Gatewright'
const stranger = (n: number): string => `198.51.${100 + Math.floor(n / 250)}.${n % 250}`

before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  keepHashesCheap(t.engine.hasher)
  administrator = await addPerson(t, { roles: ['admin'] })
})
after(() => t.close())

/** Each attack stands alone: what was noted of the one before is past its window. */
const rest = () => t.clock.advance(2 * day)

const guess = async (names: readonly string[], from: (n: number) => string, shown: (n: number) => string) => {
  for (const [n, name] of names.entries())
    assert.equal(show(await signIn(t, name, shown(n), { address: from(n) })), '401 invalid_credentials')
}
const repeated = (name: string, times: number): readonly string[] => Array(times).fill(name)

describe('an attack is raised once', () => {
  test('brute force: wrong passwords for one user from many addresses, and its owner has one mail, of the hold', async () => {
    const person = await addPerson(t)
    const attack = () => guess(repeated(person.username, 30), stranger, n => `${wrong} ${n}`)
    assert.deepEqual(await raisedBy(t, attack), { 'many-failures': 1 })
    assert.deepEqual(await subjectsTo(t, person), ['Many wrong passwords for your account'])
    assert.deepEqual((await t.deliverMail()).at(-1)?.link, undefined)
    assert.deepEqual(await subjectsTo(t, administrator), [digest])
  })

  test('brute force: a guesser who stays under the hold, day after day, is told to the owner by a mail of its own', async () => {
    rest()
    const person = await addPerson(t)
    const cookie = deviceCookie(await signIn(t, person.username, password, { address: office }))
    const wave = async () => {
      t.clock.advance(hour)
      await guess(repeated(person.username, 7), stranger, n => `${wrong} ${n}`)
      assert.equal(show(await signIn(t, person.username, password, { address: office, cookie })), '201')
    }
    const attack = async () => {
      for (let n = 0; n < 4; n++) await wave()
    }
    assert.deepEqual(await raisedBy(t, attack), { 'many-failures': 1 })
    assert.deepEqual(await subjectsTo(t, person), ['Many wrong passwords for your account'])
    const [mail] = (await t.deliverMail()).filter(({ to }) => to === person.email)
    assert.match(mail?.text ?? '', /None of them opened it/)
  })

  test('password spraying: one password at many names, of somebody or nobody, from as many addresses', async () => {
    rest()
    const names = (await addPeople(t, 20)).map(({ username }, n) => (n % 2 === 0 ? username : `nobody-${n}`))
    const attack = async () => {
      await guess(names, stranger, () => wrong)
      await guess(names, stranger, () => wrong)
    }
    assert.deepEqual(await raisedBy(t, attack), { 'one-password-many-users': 1 })
    assert.equal((await subjectsTo(t, administrator)).filter(subject => subject === digest).length, 3)
  })

  test('credential stuffing: many users from one address, each with a password of its own', async () => {
    rest()
    const names = (await addPeople(t, 14)).map(({ username }) => username)
    const attack = () =>
      guess(
        names,
        () => stranger(1),
        n => `${wrong} ${n}`,
      )
    assert.deepEqual(await raisedBy(t, attack), { 'many-users-one-address': 1 })
  })

  test('a stolen password: a sign-in on a device that was never seen, which its owner is told of', async () => {
    rest()
    const person = await addPerson(t)
    await signIn(t, person.username, password, { address: office })
    const attack = () => signIn(t, person.username, password, { address: stranger(2), device: 'thief/1.0' })
    assert.deepEqual(await raisedBy(t, attack), { 'new-device': 1 })
    assert.deepEqual(await subjectsTo(t, person), ['A sign-in on a new device'])
  })

  test('a guessed password: the right one after many wrong ones, told in one mail', async () => {
    rest()
    const person = await addPerson(t)
    await signIn(t, person.username, password, { address: office })
    const attack = async () => {
      await guess(repeated(person.username, 8), stranger, n => `${wrong} ${n}`)
      assert.equal(show(await signIn(t, person.username, password, { address: stranger(9) })), '201')
      assert.equal(show(await signIn(t, person.username, password, { address: stranger(9) })), '201')
    }
    assert.deepEqual(await raisedBy(t, attack), { 'new-device': 1, 'success-after-failures': 1 })
    assert.deepEqual(await subjectsTo(t, person), ['A sign-in after many wrong passwords'])
  })

  test('the right password and wrong codes of the second factor', async () => {
    rest()
    const person = await addPerson(t)
    await plantTotp(t.engine, person.id)
    const address = stranger(3)
    const attack = async () => {
      const first = await t.call('POST', 'login', {
        body: { username: person.username, password },
        address,
      })
      assert.equal(show(first), '401 mfa_required')
      for (let n = 0; n < 5; n++) {
        const body = { mfa_token: first.body.mfa_token, method: 'totp', code: `00000${n}` }
        assert.equal(show(await t.call('POST', 'login/mfa', { body, address })), '401 invalid_mfa_code')
      }
    }
    assert.deepEqual(await raisedBy(t, attack), { 'wrong-factor': 1 })
    assert.deepEqual(await subjectsTo(t, person), ['Your password was right, the second factor was not'])
  })

  test('a stolen refresh token: an old one is shown again', async () => {
    rest()
    const person = await addPerson(t)
    const { body } = await t.call('POST', 'login', { body: { username: person.username, password } })
    const refresh = (refresh_token: string) => t.call('POST', 'refresh', { body: { refresh_token } })
    const attack = async () => {
      let live = body.refresh_token
      for (let n = 0; n < 2; n++) {
        t.clock.advance(minute)
        live = (await refresh(live)).body.refresh_token
      }
      assert.equal(show(await refresh(body.refresh_token)), '401 refresh_token_reused')
      assert.equal(show(await refresh(body.refresh_token)), '401 session_ended')
    }
    assert.deepEqual(await raisedBy(t, attack), { 'refresh-reuse': 1 })
    assert.deepEqual(await subjectsTo(t, person), ['You were signed out on one device, to be safe'])
  })

  test('a stolen administrator: a sign-in from a network that is new for that one, told to all of them', async () => {
    rest()
    const person = await addPerson(t, { roles: ['admin'] })
    const from = (address: string, cookie?: string) =>
      signIn(t, person.username, password, { address, ...(cookie && { cookie }) })
    const cookie = deviceCookie(await from(office)) ?? ''
    assert.deepEqual(await raisedBy(t, () => from('192.0.2.77', cookie)), {}, 'the network is known')
    const attack = async () => {
      await from('203.0.113.5', cookie)
      await from('203.0.113.200', cookie)
    }
    assert.deepEqual(await raisedBy(t, attack), { 'administrator-from-new-network': 1 })
    const ofNetwork = 'A sign-in from a new network'
    assert.deepEqual(await subjectsTo(t, person), [ofNetwork, digest])
    const told = await t.deliverMail()
    assert.match(told.at(-1)?.text ?? '', /What was seen: an administrator from a new network \(1\)/)
  })
})

test('each is counted by the metric, as often as its event was written', async () => {
  const raised = await countRaised(t)
  const { access: token } = await signUp(t, 'metrics-reader', ['admin'])
  const { text } = await t.call('GET', '/metrics', { token })
  for (const name of patternNames) {
    const [, count] =
      new RegExp(`gatewright_unusual_sign_ins_total\\{pattern="${name}"[^}]*\\} (\\d+)`).exec(text) ?? []
    assert.equal(Number(count), raised[name], name)
  }
})

test('administrators see what was raised within the day, by pattern, and nobody by name', async () => {
  t.clock.advance(2 * day)
  const person = await addPerson(t)
  await guess(repeated(person.username, 22), stranger, n => `${wrong} ${n}`)
  const lastAt = new Date(t.clock.now()).toISOString()
  const { access: token } = await signUp(t, 'health-reader', ['admin'])
  const { body, text } = await t.call('GET', 'admin/health', { token })
  const row = { pattern: 'many-failures', severity: 'warning', count: 1, last_at: lastAt }
  assert.deepEqual(body.unusual, [row])
  assert.ok(!text.includes(person.username) && !text.includes(person.id))
})

test('mail bombing: of new devices a user is told five times a day', async () => {
  t.clock.advance(2 * day)
  const person = await addPerson(t)
  const devices = 8
  await signIn(t, person.username, password, { address: office })
  const act = async () => {
    for (let n = 0; n < devices; n++) {
      t.clock.advance(minute)
      await signIn(t, person.username, password, { address: stranger(n), device: `thief/${n}` })
    }
  }
  assert.deepEqual(await raisedBy(t, act), { 'new-device': devices })
  assert.equal((await subjectsTo(t, person)).length, 5)
  t.clock.advance(day)
  await signIn(t, person.username, password, { address: stranger(9), device: 'thief/9' })
  assert.equal((await subjectsTo(t, person)).length, 6)
})

test('administrators are sent five digests a day at most, and the last one has what came after the one before', async () => {
  t.clock.advance(2 * day)
  const before = (await subjectsTo(t, administrator)).length
  for (const { username } of await addPeople(t, 12)) {
    t.clock.advance(2 * hour)
    await guess(repeated(username, 20), stranger, n => `${wrong} ${n}`)
    await t.deliverMail()
  }
  assert.equal((await subjectsTo(t, administrator)).length - before, 5)
  const waiting = t.engine.db.selectFrom('mails').select('id').where('forgotten_at', 'is', null)
  assert.equal((await waiting.execute()).length, 1)
  t.clock.advance(6 * hour)
  const told = (await t.deliverMail()).filter(({ to }) => to === administrator.email)
  assert.match(told.at(-2)?.text ?? '', /many wrong passwords for one user \(3\)/)
  assert.match(told.at(-1)?.text ?? '', /many wrong passwords for one user \(1\)/)
})

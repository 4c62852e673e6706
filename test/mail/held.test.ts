import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, hour } from 'gatewright/clock'
import { addTestUser } from '../../packages/gatewright/src/testing/test-user.ts'
import { type Answer, password, startTestApp, type TestApp } from '../harness.ts'
import { codeOf, linkTo, mailTo, newPerson } from './person.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ limitsScale: 1, trustedProxies: ['127.0.0.1'] })
})
after(() => t.close())

let addresses = 0
/** Each from another address, as of a stranger with many. */
const signIn = (username: string, shown = password, headers: Readonly<Record<string, string>> = {}) => {
  addresses++
  const from = `198.51.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}`
  const body = { username, password: shown }
  return t.call('POST', 'login', { headers: { 'x-forwarded-for': from, ...headers }, body })
}
const guess = async (username: string, times = 10): Promise<void> => {
  for (let n = 0; n < times; n++)
    assert.equal(codeOf(await signIn(username, 'a wrong one, and long')), 'invalid_credentials')
}
const prove = (token: string) =>
  t.call('POST', 'sign-in/prove', { headers: { 'x-forwarded-for': '203.0.113.9' }, body: { token } })
const cookieOf = ({ headers }: Answer): string => String(headers['set-cookie']).split(';')[0] ?? ''

describe('brute force: past ten wrong passwords, at a user with a verified address', () => {
  test('no unknown device is let in, right or wrong, however long it waits', async () => {
    const person = await newPerson(t)
    await guess(person.username)
    const before = t.engine.hasher.count()
    for (const wait of [0, hour, 2 * day]) {
      t.clock.advance(wait)
      assert.equal(codeOf(await signIn(person.username)), 'invalid_credentials')
      assert.equal(codeOf(await signIn(person.email)), 'invalid_credentials')
    }
    assert.equal(t.engine.hasher.count(), before, 'nothing is hashed')
  })

  test('the owner is told, once a day, and the link lets one browser in and no other', async () => {
    const person = await newPerson(t)
    await guess(person.username, 14)
    const held = (await mailTo(t, person.email)).filter(({ link }) => link?.path === '/console/prove')
    assert.equal(held.length, 1)
    const answer = await prove(await linkTo(t, person.email, 'prove'))
    assert.equal(answer.status, 204)
    const cookie = cookieOf(answer)
    assert.match(cookie, /^gw_device=/)
    assert.equal(codeOf(await signIn(person.username)), 'invalid_credentials', 'elsewhere it is held still')
    assert.equal((await signIn(person.username, password, { cookie })).status, 200)
    assert.equal((await signIn(person.username)).status, 200, 'its owner has lifted it')
  })

  test('the link is good once, and replaces neither password nor factor', async () => {
    const person = await newPerson(t)
    await guess(person.username, 11)
    const token = await linkTo(t, person.email, 'prove')
    const cookie = cookieOf(await prove(token))
    assert.equal(codeOf(await prove(token)), 'invalid_link')
    assert.equal(
      codeOf(await signIn(person.username, 'a wrong one, and long', { cookie })),
      'invalid_credentials',
    )
    assert.equal((await t.call('GET', 'me', { headers: { cookie } })).status, 401)
  })

  test('a reset by mail lifts it', async () => {
    const person = await newPerson(t)
    await guess(person.username, 11)
    const headers = { 'x-forwarded-for': '203.0.113.10' }
    await t.call('POST', 'password/forgot', { headers, body: { email: person.email } })
    const body = { token: await linkTo(t, person.email, 'reset'), new_password: 'a new one of their own' }
    assert.equal((await t.call('POST', 'password/reset', { headers, body })).status, 204)
    assert.equal((await signIn(person.username, 'a new one of their own')).status, 200)
  })
})

test('a user who can prove nothing has the growing delay, and is let in after it', async () => {
  const { username } = await addTestUser(t.engine, { username: 'without-address', roles: ['user'] })
  await guess(username)
  assert.equal(codeOf(await signIn(username)), 'invalid_credentials')
  t.clock.advance(hour)
  assert.equal((await signIn(username)).status, 200)
})

test('a name that nobody has is answered like one that is held', async () => {
  const person = await newPerson(t)
  await guess(person.username, 11)
  await guess('nobody-has-this-name', 11)
  const [held, unknown] = [await signIn(person.username), await signIn('nobody-has-this-name')]
  const shape = ({ status, body, headers }: Answer) => ({
    status,
    code: body.code,
    detail: body.detail,
    names: Object.keys(headers).sort(),
  })
  assert.deepEqual(shape(held), shape(unknown))
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const signIn = async (username: string, device: string) => {
  const headers = { 'user-agent': device }
  return (await t.call('POST', 'login', { body: { username, password }, headers })).body
}
const statusOf = async (token: string) => (await t.call('GET', 'protected', { token })).status
const devicesOf = ({ body }: Answer): readonly string[] =>
  body.sessions.map((session: { device: string }) => session.device)

test('every sign-in is a session that its owner sees and ends, one or all others', async () => {
  await signUp(t, 'alice')
  const [phone, laptop, tablet] = [
    await signIn('alice', 'Phone'),
    await signIn('alice', 'Laptop'),
    await signIn('alice', 'Tablet'),
  ]
  const token = phone.access_token
  const listed = await t.call('GET', 'sessions', { token })
  for (const device of ['Phone', 'Laptop', 'Tablet']) assert.ok(devicesOf(listed).includes(device), device)

  const { id } = listed.body.sessions.find((session: { device: string }) => session.device === 'Laptop')
  assert.equal((await t.call('DELETE', `sessions/${id}`, { token })).status, 204)
  assert.deepEqual([await statusOf(laptop.access_token), await statusOf(tablet.access_token)], [401, 200])

  assert.equal((await t.call('DELETE', 'sessions', { token })).status, 204)
  assert.deepEqual([await statusOf(tablet.access_token), await statusOf(token)], [401, 200])
  assert.deepEqual(devicesOf(await t.call('GET', 'sessions', { token })), ['Phone'])
})

test('what can hurt asks for a recent sign-in, which the password shown once more gives', async () => {
  const bob = await signUp(t, 'bob')
  t.clock.advance(11 * 60_000)
  const { body: pair } = await t.call('POST', 'refresh', { body: { refresh_token: bob.refresh } })
  const hurt = (token: string) => t.call('DELETE', 'sessions', { token })
  const refused = await hurt(pair.access_token)
  assert.deepEqual([refused.status, refused.body.code], [401, 'insufficient_user_authentication'])
  assert.match(String(refused.headers['www-authenticate']), /max_age="600"/)

  const wrong = await t.call('POST', 'step-up', { token: pair.access_token, body: { password: 'wrong' } })
  assert.equal(wrong.status, 401)
  const { body: fresh } = await t.call('POST', 'step-up', { token: pair.access_token, body: { password } })
  assert.equal((await hurt(fresh.access_token)).status, 204)
  assert.equal(await statusOf(pair.access_token), 401, 'the old id ended')
})

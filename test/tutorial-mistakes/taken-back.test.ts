import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { changeRoles, disableUser } from 'gatewright/administration'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'

const origin = { actor: 'system', address: null, requestId: null }

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const answerOf = ({ status, body }: Answer): readonly [number, string | undefined] => [status, body?.code]
const protectedAs = async (token: string, app = t) => answerOf(await app.call('GET', 'protected', { token }))
const signIn = async (username: string, app = t): Promise<Caller> => {
  const { body } = await app.call('POST', 'login', { body: { username, password } })
  return { id: '', username, access: body.access_token, refresh: body.refresh_token }
}

describe('several processes on one database', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const databaseUrl = `sqlite:${join(folder, 'blog.db')}`
  const apps: TestApp[] = []
  const start = async (): Promise<TestApp> => {
    const app = await startTestApp({ databaseUrl })
    apps.push(app)
    return app
  }
  after(async () => {
    for (const app of apps) await app.close()
    rmSync(folder, { recursive: true })
  })

  test('a session that one process ended is refused by another, and by one started later', async () => {
    const [one, other] = [await start(), await start()]
    const alice = await signUp(one, 'alice')
    assert.deepEqual(await protectedAs(alice.access, other), [200, undefined])
    assert.equal((await one.call('POST', 'logout', { token: alice.access })).status, 200)
    assert.deepEqual(await protectedAs(alice.access, one), [401, 'session_ended'])

    const deadline = performance.now() + 5_000
    while ((await protectedAs(alice.access, other))[0] === 200 && performance.now() < deadline)
      await sleep(20)
    assert.deepEqual(await protectedAs(alice.access, other), [401, 'session_ended'])
    const refreshed = await other.call('POST', 'refresh', { body: { refresh_token: alice.refresh } })
    assert.deepEqual(answerOf(refreshed), [401, 'session_ended'])

    assert.deepEqual(await protectedAs(alice.access, await start()), [401, 'session_ended'])
  })

  test('a disabled user is refused by a process that had no part in it', async () => {
    const [one, other] = [await start(), await start()]
    const bob = await signUp(one, 'bob')
    assert.deepEqual(await protectedAs(bob.access, other), [200, undefined])
    await disableUser(one.engine, { userId: bob.id, origin })
    const deadline = performance.now() + 5_000
    while ((await protectedAs(bob.access, other))[0] === 200 && performance.now() < deadline) await sleep(20)
    assert.deepEqual(await protectedAs(bob.access, other), [401, 'session_ended'])
  })
})

test('an access token ends with its session, not with its expiry', async () => {
  const carol = await signUp(t, 'carol')
  assert.deepEqual(await protectedAs(carol.access), [200, undefined])
  await t.call('POST', 'logout', { token: carol.access })
  assert.deepEqual(await protectedAs(carol.access), [401, 'session_ended'])
  assert.equal((await t.call('GET', 'me', { token: carol.access })).status, 401)
})

test('signing out ends the refresh token together with the access token', async () => {
  const dave = await signUp(t, 'dave')
  await t.call('POST', 'logout', { token: dave.access })
  const answer = await t.call('POST', 'refresh', { body: { refresh_token: dave.refresh } })
  assert.deepEqual(answerOf(answer), [401, 'session_ended'])
})

test('a refreshed token keeps the roles of its user', async () => {
  const erin = await signUp(t, 'erin', ['moderator'])
  t.clock.advance(11_000)
  const { body } = await t.call('POST', 'refresh', { body: { refresh_token: erin.refresh } })
  const before = await t.call('GET', 'protected', { token: erin.access })
  const now = await t.call('GET', 'protected', { token: body.access_token })
  assert.ok(now.body.permissions.includes('posts:moderate'))
  assert.deepEqual(now.body.permissions, before.body.permissions)
})

test('a taken role is gone from the live token and from the refreshed one', async () => {
  const frank = await signUp(t, 'frank', ['moderator'])
  await changeRoles(t.engine, { userId: frank.id, roles: ['user'], origin })
  const live = await t.call('GET', 'protected', { token: frank.access })
  assert.equal(live.status, 200)
  assert.equal(live.body.permissions.includes('posts:moderate'), false)
  const { body } = await t.call('POST', 'refresh', { body: { refresh_token: frank.refresh } })
  const refreshed = await t.call('GET', 'protected', { token: body.access_token })
  assert.equal(refreshed.body.permissions.includes('posts:moderate'), false)
})

test('a changed password ends every other session', async () => {
  const [grace, elsewhere] = [await signUp(t, 'grace'), await signIn('grace')]
  const body = { current_password: password, new_password: `${password}!` }
  assert.equal((await t.call('PUT', 'me/password', { token: grace.access, body })).status, 200)
  assert.deepEqual(await protectedAs(elsewhere.access), [401, 'session_ended'])
  const refreshed = await t.call('POST', 'refresh', { body: { refresh_token: elsewhere.refresh } })
  assert.deepEqual(answerOf(refreshed), [401, 'session_ended'])
})

test('a refresh token is no access token, and an access token no refresh token', async () => {
  const heidi = await signUp(t, 'heidi')
  assert.deepEqual(await protectedAs(heidi.refresh), [401, 'invalid_token'])
  const refreshed = await t.call('POST', 'refresh', { body: { refresh_token: heidi.access } })
  assert.deepEqual(answerOf(refreshed), [401, 'invalid_token'])
  assert.equal((await t.call('POST', 'refresh', { token: heidi.access })).status, 401)
})

test('a stolen refresh token that was used before ends its session', async () => {
  const ivan = await signUp(t, 'ivan')
  t.clock.advance(11_000)
  const { body } = await t.call('POST', 'refresh', { body: { refresh_token: ivan.refresh } })
  t.clock.advance(11_000)
  const stolen = await t.call('POST', 'refresh', { body: { refresh_token: ivan.refresh } })
  assert.deepEqual(answerOf(stolen), [401, 'refresh_token_reused'])
  assert.deepEqual(await protectedAs(body.access_token), [401, 'session_ended'])
})

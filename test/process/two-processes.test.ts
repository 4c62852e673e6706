import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type Caller,
  commandLine,
  type Folder,
  newFolder,
  password,
  runToEnd,
  type Server,
  signUp,
  startServer,
} from './spawned-server.ts'
import { until } from './until.ts'

const env = { PUBLIC_URL: 'http://localhost:3000' }
/** mechanisms.md: p99 100 ms between processes on SQLite. A loaded test machine gets the whole bound, REVOCATION_MAX_AGE. */
const longest = 5_000

describe('of two processes on one database', () => {
  const ends: (() => Promise<void>)[] = []
  let folder: Folder
  let first: Server
  let second: Server

  before(async () => {
    folder = newFolder({ after: end => ends.push(end) })
    first = await startServer(folder, { env })
    second = await startServer(folder, { env })
  })
  after(async () => {
    for (const end of ends) await end()
  })

  const statusAt = async (server: Server, { access }: Caller, path = 'protected'): Promise<number> =>
    (await server.call('GET', path, { token: access })).status

  /** Both have the token in their memory: the refusal must come from the feed. */
  const signUpKnownToBoth = async (username: string): Promise<Caller> => {
    const caller = await signUp(first, username)
    for (const server of [first, second]) assert.equal(await statusAt(server, caller), 200)
    return caller
  }

  const isEndedAt = async (server: Server, { access }: Caller): Promise<boolean> => {
    const { status, text } = await server.call('GET', 'protected', { token: access })
    if (status === 200) return false
    assert.deepEqual([status, JSON.parse(text).code], [401, 'session_ended'])
    return true
  }

  const command = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await runToEnd(folder, { env, file: commandLine, args })
    assert.equal(code, 0, stderr)
  }

  test('the one that answered a logout refuses the token at once, the other within the bound', async t => {
    const waits: number[] = []
    for (let round = 0; round < 10; round += 1) {
      const caller = await signUpKnownToBoth(`leaver${round}x`)
      assert.equal((await first.call('POST', 'logout', { token: caller.access })).status, 200)
      assert.equal(await isEndedAt(first, caller), true)
      waits.push(await until('the other refuses', () => isEndedAt(second, caller), longest))
    }
    waits.sort((a, b) => a - b)
    t.diagnostic(
      `from the answer of a logout to the refusal elsewhere: median ${waits[5]?.toFixed(0)} ms, worst ${waits.at(-1)?.toFixed(0)} ms of ${waits.length}`,
    )
  })

  test('both refuse what a key has signed that was revoked at the command line, and give new tokens', async () => {
    const caller = await signUpKnownToBoth('signed')
    const [head = ''] = caller.access.split('.')
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString())
    await command('key', 'revoke', kid)
    for (const server of [first, second]) {
      await until('it refuses', async () => (await statusAt(server, caller)) === 401, longest)
      const answer = await server.call('POST', 'refresh', { body: { refresh_token: caller.refresh } })
      const renewed = { ...caller, access: String(answer.field('access_token')) }
      for (const each of [first, second]) assert.equal(await statusAt(each, renewed), 200)
    }
  })

  test('neither takes the refresh token of a session that the other ended', async () => {
    const caller = await signUpKnownToBoth('refresher')
    assert.equal((await second.call('POST', 'logout', { token: caller.access })).status, 200)
    const answer = await first.call('POST', 'refresh', { body: { refresh_token: caller.refresh } })
    assert.deepEqual([answer.status, answer.field('code')], [401, 'session_ended'])
  })

  test('the other refuses old tokens after a password change, and takes the new ones', async () => {
    const caller = await signUpKnownToBoth('changer')
    const changed = await first.call('PUT', 'me/password', {
      token: caller.access,
      body: { current_password: password, new_password: `${password} 2` },
    })
    assert.equal(changed.status, 200, changed.text)
    const renewed = { ...caller, access: changed.field('access_token') }
    assert.equal(await statusAt(second, renewed), 200)
    await until('the other refuses', () => isEndedAt(second, caller), longest)
    assert.equal(await statusAt(second, renewed), 200)
  })

  test('both refuse the live tokens of a user whom the command line disables', async () => {
    const caller = await signUpKnownToBoth('bob')
    await command('user', 'disable', 'bob')
    for (const server of [first, second])
      await until('the user is refused', () => isEndedAt(server, caller), longest)
    const login = await first.call('POST', 'login', { body: { username: 'bob', password } })
    assert.deepEqual([login.status, login.field('code')], [401, 'invalid_credentials'])
    const refreshed = await second.call('POST', 'refresh', { body: { refresh_token: caller.refresh } })
    assert.equal(refreshed.status, 401)
  })

  test('both refuse the old tokens of a user who was disabled and enabled again', async () => {
    const caller = await signUpKnownToBoth('back')
    await command('user', 'disable', 'back')
    await command('user', 'enable', 'back')
    for (const server of [first, second])
      await until('the user is refused', () => isEndedAt(server, caller), longest)
    const login = await second.call('POST', 'login', { body: { username: 'back', password } })
    assert.equal(login.status, 200)
    assert.equal((await first.call('GET', 'me', { token: login.field('access_token') })).status, 200)
  })

  test('live tokens have the roles that the command line gives, and lose them, at both', async () => {
    const author = await signUpKnownToBoth('author')
    const caller = await signUpKnownToBoth('moderator-to-be')
    const posted = await first.call('POST', 'posts', {
      token: author.access,
      body: { title: 'A post', content: 'of another', published: true },
    })
    assert.equal(posted.status, 201, posted.text)
    const change = async (server: Server): Promise<number> =>
      (
        await server.call('PUT', `posts/${posted.field('id')}`, {
          token: caller.access,
          body: { title: 'Moderated' },
        })
      ).status

    assert.deepEqual([await change(first), await change(second)], [403, 403])
    await command('user', 'role', 'moderator-to-be', 'moderator')
    for (const server of [first, second])
      await until('the role counts', async () => (await change(server)) === 200, longest)
    await command('user', 'role', 'moderator-to-be', 'user')
    for (const server of [first, second])
      await until('the role is gone', async () => (await change(server)) === 403, longest)
  })

  test('one goes on when the other is killed', async () => {
    const caller = await signUpKnownToBoth('survivor')
    const third = await startServer(folder, { env })
    third.kill('SIGKILL')
    await third.ended
    assert.equal(await statusAt(first, caller), 200)
    const posted = await second.call('POST', 'todos', { token: caller.access, body: { title: 'Go on' } })
    assert.equal(posted.status, 201)
  })
})

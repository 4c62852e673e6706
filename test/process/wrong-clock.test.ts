import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findFakeTime } from '../servers/faketime.ts'
import { newFolder, signIn, signUp, startServer } from './spawned-server.ts'
import { until } from './until.ts'

test('a machine whose clock is set back or forward lets in nobody who has ended, and goes on', async t => {
  const folder = newFolder(t)
  const file = join(folder.path, 'clock')
  const set = (to: string): void => writeFileSync(file, to)
  set('+0')
  const fake = await findFakeTime(file)
  if (typeof fake === 'string') return t.skip(fake)
  const env = { PUBLIC_URL: 'http://localhost:3000', ACCESS_TOKEN_TTL: '30m' }
  const right = await startServer(folder, { env })
  const wrong = await startServer(folder, { env: { ...env, ...fake } })
  const answer = async (token: string) => {
    const { status, text } = await wrong.call('GET', 'protected', { token })
    return status === 200 ? 200 : `${status} ${JSON.parse(text).code}`
  }
  const ready = async () => (await wrong.call('GET', '/readyz')).text

  const before = await signUp(right, 'before')
  const stays = await signUp(right, 'stays')
  assert.equal(await answer(before.access), 200)

  // Within moments of its setting, and while a logout is on its way.
  set('-1h')
  assert.equal((await right.call('POST', 'logout', { token: before.access })).status, 200)
  await until('it has read of the logout', async () => (await answer(before.access)) !== 200)
  assert.equal(await answer(before.access), '401 session_ended')
  assert.equal(await answer(stays.access), 200)
  assert.match(await ready(), /the clock of the machine was set back/)

  // What has ended by time on the way there stays ended on the way back.
  set('+1h')
  await until('it is an hour later', async () => (await answer(stays.access)) === '401 token_expired')
  assert.equal(await answer(before.access), '401 token_expired')
  set('+0')
  for (const { access } of [stays, before]) assert.equal(await answer(access), '401 token_expired')
  assert.match(await ready(), /the clock of the machine was set back/)
  const { access } = await signIn(right, 'stays')
  assert.equal((await right.call('GET', 'protected', { token: access })).status, 200)
})

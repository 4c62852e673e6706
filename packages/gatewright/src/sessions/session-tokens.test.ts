import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin } from '../audit/record.ts'
import { minute } from '../ground/clock.ts'
import { inTransaction } from '../storage/transaction.ts'
import { hasGoodMac, parseRefreshToken } from '../tokens/refresh-token.ts'
import { makeTokenPair } from './session-tokens.ts'
import { startSession } from './sessions.ts'

let t: TestApp
let users = 0
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const start = async () => {
  const { id } = await addUser(t.engine, `ann${++users}`)
  const live = await inTransaction(t.engine.db, work =>
    startSession(t.engine, work, {
      userId: id,
      userVersion: 1,
      amr: ['pwd'],
      device: '',
      origin: systemOrigin,
    }),
  )
  assert.ok(live)
  return live
}

test('a pair is as RFC 6749 writes it, and its access token is signed with the very exp that was promised', async () => {
  t.clock.advance(300)
  const live = await start()
  const pair = await makeTokenPair(t.engine, async () => live)
  assert.deepEqual(Object.keys(pair), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
  const { expiresAt, sessionId, authTime } = await t.engine.accessTokens.verify(pair.access_token)
  assert.equal(expiresAt, live.session.token_expires_at)
  assert.equal(sessionId, live.session.id)
  assert.ok(authTime <= t.clock.now())
  assert.equal(pair.expires_in, 600)
  const token = parseRefreshToken(pair.refresh_token)
  assert.ok(token && hasGoodMac(t.engine.secrets, live.session, token))
  assert.equal(token.generation, live.session.generation)
})

test('a pair made late promises what is left, and never less than nothing', async () => {
  const live = await start()
  const expiresIn = async () => (await makeTokenPair(t.engine, async () => live)).expires_in
  t.clock.advance(9 * minute)
  assert.ok((await expiresIn()) <= 60)
  t.clock.advance(2 * minute)
  assert.equal(await expiresIn(), 0)
})

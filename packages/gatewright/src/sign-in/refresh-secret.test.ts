import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { secretId, secretText } from '../../../../test/processes/stage.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin } from '../audit/record.ts'
import { second } from '../ground/clock.ts'
import { systemRandom } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { createSecrets } from '../ground/secrets.ts'
import { startSession } from '../sessions/sessions.ts'
import type { SessionRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { makeRefreshToken, parseRefreshToken } from '../tokens/refresh-token.ts'
import { refresh } from './refresh.ts'

const [former, newest] = [secretId(1), secretId(2)]
const window = 10 * second

let t: TestApp
let ann: SignedIn
before(async () => {
  t = await startTestApp({ gatewrightSecret: [secretText(2), secretText(1)] })
})
after(() => t.close())
let users = 0
beforeEach(async () => {
  users++
  ann = await signInAs(t.engine, (await addUser(t.engine, `ann${users}x`)).id)
})

const readSession = () =>
  t.engine.db.selectFrom('sessions').selectAll().where('id', '=', ann.sessionId).executeTakeFirstOrThrow()
const change = (values: Partial<SessionRow>) =>
  t.engine.db.updateTable('sessions').set(values).where('id', '=', ann.sessionId).execute()
const show = (text: string, engine: Pick<TestApp['engine'], 'secrets'> = t.engine) =>
  refresh({ ...t.engine, secrets: engine.secrets }, { text, origin: systemOrigin, countUse: () => {} })
/** The token of a generation, made with this secret. */
const forge = async (generation: number, secret: string): Promise<string> =>
  makeRefreshToken(t.engine.secrets, { ...(await readSession()), secret_id: secret }, generation)
const refusedAs = (code: string, reason?: string) => (error: unknown) =>
  error instanceof Refusal && error.code === code && (reason === undefined || error.details.reason === reason)
const secretOf = (text: string): string | undefined => parseRefreshToken(text)?.secretId

describe('the row of a session', () => {
  test('names the secret of its token, and at a rotation moves to the one in force', async () => {
    assert.equal((await readSession()).secret_id, newest)
    await change({ secret_id: former })
    const old = await forge(1, former)
    t.clock.advance(window)
    const { session } = await show(old)
    const { generation, secret_id, former_secret_id } = await readSession()
    assert.deepEqual([generation, secret_id, former_secret_id], [2, newest, former])
    assert.equal(secretOf(makeRefreshToken(t.engine.secrets, session, 2)), newest)
    t.clock.advance(window)
    await show(makeRefreshToken(t.engine.secrets, session, 2))
    assert.equal((await readSession()).former_secret_id, null)
  })

  test('makes the same text again inside the window, whatever is in force by then', async () => {
    await change({ secret_id: former })
    const text = await forge(1, former)
    const { session } = await show(text)
    assert.equal(makeRefreshToken(t.engine.secrets, session, session.generation), text)
  })

  test('lets a retry of the token before pass, which another secret made', async () => {
    await change({ secret_id: former })
    const old = await forge(1, former)
    t.clock.advance(window)
    await show(old)
    const { session } = await show(old)
    assert.equal(secretOf(makeRefreshToken(t.engine.secrets, session, 2)), newest)
  })

  test('names none where a cookie holds the session', async () => {
    const { userId, ...rest } = { userId: ann.userId, device: '', origin: systemOrigin }
    const born = { userId, userVersion: 1, amr: ['pwd'], holding: 'cookie', ...rest } as const
    const made = await inTransaction(t.engine.db, work => startSession(t.engine, work, born))
    assert.equal(made?.session.secret_id, null)
  })
})

describe('attack: whoever has a former secret and the database', () => {
  test('makes no live token of a session that has moved on, and ends nothing', async () => {
    await assert.rejects(show(await forge(1, former)), refusedAs('invalid_token', 'refresh_token_unknown'))
    assert.equal((await readSession()).ended_at, null)
    await show(ann.refresh)
  })

  test('makes no token before the live one either, once the session has moved on', async () => {
    t.clock.advance(window)
    await show(ann.refresh)
    await assert.rejects(show(await forge(1, former)), refusedAs('invalid_token'))
    assert.equal((await readSession()).ended_at, null)
  })

  test('but the true one of an older generation is still theft', async () => {
    await change({ secret_id: former })
    const old = await forge(1, former)
    for (let rotation = 0; rotation < 2; rotation++) {
      t.clock.advance(window)
      await show(await forge((await readSession()).generation, String((await readSession()).secret_id)))
    }
    await assert.rejects(show(old), refusedAs('refresh_token_reused'))
  })
})

test('a session of a version that noted no secret goes on with any that is listed', async () => {
  for (const secret of [former, newest]) {
    await change({ secret_id: null, former_secret_id: null, generation: 1 })
    await show(await forge(1, secret))
  }
})

describe('a process that lacks a secret', () => {
  const lacking = { secrets: createSecrets([secretText(1)], systemRandom) }

  test('answers 503 for a session that rests on it, and ends nothing', async () => {
    await assert.rejects(show(ann.refresh, lacking), refusedAs('unavailable', 'secret_not_held'))
    assert.equal((await readSession()).ended_at, null)
    await show(ann.refresh)
  })

  test('answers 503 where it could read the token shown, and not make the one in its place', async () => {
    await change({
      secret_id: newest,
      former_secret_id: former,
      generation: 2,
      generation_since: t.clock.now(),
    })
    await assert.rejects(show(await forge(1, former), lacking), refusedAs('unavailable', 'secret_not_held'))
  })

  test('answers 503 for a retry made with it, and 401 once the window for retries is over', async () => {
    const since = t.clock.now()
    await change({ secret_id: former, former_secret_id: newest, generation: 2, generation_since: since })
    const retry = await forge(1, newest)
    await assert.rejects(show(retry, lacking), refusedAs('unavailable', 'secret_not_held'))
    t.clock.advance(window)
    await assert.rejects(show(retry, lacking), refusedAs('invalid_token', 'refresh_token_unknown'))
    assert.equal((await readSession()).ended_at, null)
  })

  test('refuses what names a secret that the session does not rest on, and a session that has ended', async () => {
    const foreign = createSecrets([secretText(9)], systemRandom)
    const text = makeRefreshToken(foreign, { id: ann.sessionId, refresh_key: '' }, 1)
    await assert.rejects(show(text), refusedAs('invalid_token'))
    await change({ ended_at: 1, end_reason: 'logout' })
    await assert.rejects(show(ann.refresh, lacking), refusedAs('invalid_token'))
  })
})

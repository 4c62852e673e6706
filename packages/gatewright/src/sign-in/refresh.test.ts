import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { logQueries } from '../../../../test/sessions/query-log.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin } from '../audit/record.ts'
import type { Engine } from '../compose.ts'
import { newId, newSecret, systemRandom } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { createSecrets } from '../ground/secrets.ts'
import { makeRefreshToken } from '../tokens/refresh-token.ts'
import { refresh } from './refresh.ts'

let t: TestApp
let second: SecondConnection
let ann: SignedIn
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  ann = await signInAs(t.engine, (await addUser(t.engine, 'ann')).id)
})
after(async () => {
  second.close()
  await t.close()
})

const show = (text: string, engine: Engine = t.engine, countUse: (sessionId: string) => void = () => {}) =>
  refresh(engine, { text, origin: systemOrigin, countUse })

const notOurs = { name: 'Refusal', code: 'invalid_token' }

describe('what is not even a token', () => {
  const garbage = [
    '',
    'gwr_',
    'x',
    `gwr_${'A'.repeat(80)}`,
    `gwk_${'A'.repeat(80)}`,
    'eyJhbGciOiJub25lIn0.e30.',
    `gwr_${'é'.repeat(80)}`,
  ]

  test('is refused before any query', async () => {
    const { engine, queries } = logQueries(t.engine)
    for (const text of [...garbage, ann.refresh.slice(0, -1), `${ann.refresh}A`])
      await assert.rejects(show(text, engine), notOurs)
    assert.deepEqual(queries, [])
    await show(ann.refresh, engine)
    assert.notEqual(queries.length, 0, 'a real one is seen by this log')
  })

  test('is refused while another process holds the write lock: garbage never waits for it', async () => {
    const letGo = await second.holdWrites('users')
    try {
      for (const text of garbage) await assert.rejects(show(text), notOurs)
    } finally {
      letGo()
    }
  })
})

describe('a forged token', () => {
  const key = () => ({ id: ann.sessionId, refresh_key: newSecret(systemRandom) })
  const rows: Record<string, () => string> = {
    'made with the secret but without the row': () => makeRefreshToken(t.engine.secrets, key(), 1),
    'made with the row but without the secret': () => {
      const row = second.row('select id, refresh_key from sessions where id = ?', ann.sessionId)
      const theirs = createSecrets([newSecret(systemRandom)], systemRandom)
      return makeRefreshToken(theirs, { id: ann.sessionId, refresh_key: String(row?.refresh_key) }, 1)
    },
    'of a session that is not there': () =>
      makeRefreshToken(t.engine.secrets, { ...key(), id: newId(systemRandom) }, 1),
  }
  for (const [name, forge] of Object.entries(rows))
    test(`${name} costs one look-up, writes nothing, ends nothing and uses up no limit`, async () => {
      const { engine, queries } = logQueries(t.engine)
      const before = second.rows('select * from audit_events')
      const countUse = () => assert.fail('it was counted')
      await assert.rejects(show(forge(), engine, countUse), notOurs)
      assert.equal(queries.length, 1)
      assert.match(queries[0] ?? '', /^select/)
      assert.deepEqual(second.rows('select * from audit_events'), before)
      await show(ann.refresh)
    })
})

test('a refused use rolls back: nothing is promised, rotated or written', async () => {
  t.clock.advance(60_000)
  const rows = () => [
    second.row('select * from sessions where id = ?', ann.sessionId),
    second.rows('select id from audit_events'),
  ]
  const before = rows()
  const refuse = (): never => {
    throw new Refusal('rate_limited', { retryAfter: 1 })
  }
  await assert.rejects(show(ann.refresh, t.engine, refuse), { code: 'rate_limited' })
  assert.deepEqual(rows(), before)
})

test('the latest exp ever promised never goes down, so that a cut-off outlives every token', async () => {
  const long = { ...t.engine, settings: { ...t.engine.settings, accessTokenTtl: 3_600_000 } }
  const promise = async (engine: Engine) => {
    const { session } = await show(ann.refresh, engine)
    const row = second.row('select token_expires_at from sessions where id = ?', ann.sessionId)
    return { signed: session.token_expires_at, kept: Number(row?.token_expires_at) }
  }
  const first = await promise(long)
  const then = await promise(t.engine)
  assert.equal(first.signed, first.kept)
  assert.equal(then.kept, first.kept)
  assert.ok(then.signed < then.kept)
})

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { StatementSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { second } from 'gatewright/clock'
import { systemRandom } from 'gatewright/random'
import { type SignedIn, signedInAs, startTestApp, type TestApp } from 'gatewright/testing'
import { Client } from 'pg'
import { newApiKey } from '../packages/gatewright/src/tokens/api-key.ts'
import { testsDatabase } from './environment.ts'
import { reports } from './testing/reports.ts'

/** What the request at hand asks of a database, whoever asks on its behalf; not what the background does. */
const asked = new AsyncLocalStorage<string[]>()

type Method = (this: unknown, ...given: unknown[]) => unknown

const noteCallsOf = (prototype: object, name: string): void => {
  const method: Method = Reflect.get(prototype, name)
  const noting: Method = function (...given) {
    asked.getStore()?.push(name)
    return method.apply(this, given)
  }
  Object.assign(prototype, { [name]: noting })
}
for (const name of ['all', 'get', 'iterate', 'run']) noteCallsOf(StatementSync.prototype, name)
noteCallsOf(Client.prototype, 'query')

let t: TestApp
let ann: SignedIn
before(async () => {
  const { server: postgres } = testsDatabase
  t = await startTestApp({ application: reports, ...(postgres && { postgres }) })
  ann = await signedInAs(t, { roles: ['analyst'] })
})
after(() => t.close())

const countQueries = async (
  inject: SignedIn['inject'],
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> => {
  const queries: string[] = []
  // Fastify sends what is injected once somebody waits for it.
  const answer = await asked.run(queries, async () => await inject({ url: '/reports', headers }))
  assert.equal(answer.statusCode, status, answer.body)
  return queries.length
}

describe('on its way through the gate a request asks no database', () => {
  test('with a token that was seen before', async () => {
    await ann.inject('/reports')
    for (let time = 0; time < 3; time++) assert.equal(await countQueries(ann.inject, 200), 0)
  })

  test('with a token that was never seen', async () => {
    const again = await ann.signInAgain()
    assert.equal(await countQueries(again.inject, 200), 0)
  })

  test('with a token whose signature is wrong', async () => {
    const authorization = `Bearer ${ann.accessToken.slice(0, -8)}AAAAAAAA`
    assert.equal(await countQueries(ann.inject, 401, { authorization }), 0)
  })

  test('with a token of a session that has ended: the first answer looks up why, for its owner', async () => {
    const again = await ann.signInAgain()
    await again.signOut()
    assert.equal(await countQueries(again.inject, 401), 1)
    for (let time = 0; time < 3; time++) assert.equal(await countQueries(again.inject, 401), 0)
  })

  test('with a token of a user who may not', async () => {
    const ben = await signedInAs(t, { roles: ['user'] })
    assert.equal(await countQueries(ben.inject, 403), 0)
  })

  test('with an API key that was seen before, whatever becomes of it', async () => {
    const [key, given] = [newApiKey(systemRandom), t.clock.now()]
    await t.app.gatewright.db
      .insertInto('api_keys')
      .values({
        id: key.id,
        user_id: ann.user.id,
        name: 'reader',
        secret_hash: key.hash,
        permissions: 'reports:read',
        allowed_addresses: '127.0.0.1',
        address: '',
        created_at: given,
        expires_at: given + second,
      })
      .execute()
    const byKey: SignedIn['inject'] = request =>
      t.app.inject({ ...(request as object), headers: { 'x-api-key': key.key } })
    assert.ok((await countQueries(byKey, 403)) > 0)
    for (let time = 0; time < 3; time++) assert.equal(await countQueries(byKey, 403), 0)
    t.clock.advance(second)
    assert.equal(await countQueries(byKey, 401), 0)
  })

  test('with an API key whose checksum is wrong', async () => {
    const byKey: SignedIn['inject'] = request =>
      t.app.inject({ ...(request as object), headers: { 'x-api-key': 'gwk_AAAA' } })
    assert.equal(await countQueries(byKey, 401), 0)
  })

  test('without a credential', async () => {
    const nobody: SignedIn['inject'] = request => t.app.inject(request)
    assert.equal(await countQueries(nobody, 401), 0)
  })
})

test('what a request does ask is seen here: a session cookie is one query', async () => {
  const tab = await ann.signInAgain({ holding: 'cookie' })
  assert.equal(await countQueries(tab.inject, 200), 1)
})

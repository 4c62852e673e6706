import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { KyselyPlugin } from 'kysely'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { retireSecret } from './retire-secret.ts'

const retired = 'former'

let t: TestApp
let second: SecondConnection
let users = 0
let held: SignedIn
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})
beforeEach(async () => {
  held = await signInAs(t.engine, (await addUser(t.engine, `user${++users}x`)).id)
  await restOn(retired)
})

const restOn = (secretId: string): Promise<void> =>
  second.run('update sessions set secret_id = ? where id = ?', secretId, held.sessionId)
const readSession = () => second.row('select end_reason from sessions where id = ?', held.sessionId)

/** The engine, in which something happens once a batch of sessions was found. */
const onceFound = (engine: TestApp['engine'], happen: () => Promise<void>): TestApp['engine'] => {
  const batches = new WeakSet<object>()
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      if (node.kind === 'SelectQueryNode' && node.limit !== undefined) batches.add(queryId)
      return node
    },
    transformResult: async ({ queryId, result }) => {
      if (batches.has(queryId) && result.rows.length > 0) await happen()
      return result
    },
  }
  return { ...engine, db: engine.db.withPlugin(plugin) }
}

describe('a session whose token rests on a secret that is retired', () => {
  test('ends', async () => {
    assert.equal(await retireSecret(t.engine, { secretId: retired, origin }), 1)
    assert.equal(readSession()?.end_reason, 'secret_retired')
  })

  test('goes on where a refresh moves it to the secret in force before its turn comes', async () => {
    const engine = onceFound(t.engine, () => restOn(t.engine.secrets.newestId))
    assert.equal(await retireSecret(engine, { secretId: retired, origin }), 0)
    assert.equal(readSession()?.end_reason, null)
  })
})

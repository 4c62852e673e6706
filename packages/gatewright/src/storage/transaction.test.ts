import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { recordEvent, systemOrigin } from '../audit/record.ts'
import { Refusal } from '../ground/refusal.ts'
import { inTransaction, type Work } from './transaction.ts'

let t: TestApp
let second: SecondConnection
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})

const leaveTrace = (work: Work, reason: string): Promise<void> =>
  recordEvent(t.engine, work, 'sign-in.failed', { origin: systemOrigin, reason })

/** What another process sees of it. */
const hasTrace = (reason: string): boolean =>
  second.row('select 1 from audit_events where reason = ?', reason) !== undefined

describe('a transaction', () => {
  test('that returns a refusal keeps what it wrote, and throws the refusal afterwards', async () => {
    const refusal = new Refusal('refresh_token_reused')
    const refused = inTransaction(t.engine.db, async work => {
      await leaveTrace(work, 'returned')
      return refusal
    })
    await assert.rejects(refused, error => error === refusal)
    assert.ok(hasTrace('returned'))
  })

  for (const thrown of [new Refusal('not_found'), new TypeError('a mistake')])
    test(`that throws a ${thrown.name} leaves nothing`, async () => {
      const refused = inTransaction(t.engine.db, async work => {
        await leaveTrace(work, `thrown ${thrown.name}`)
        throw thrown
      })
      await assert.rejects(refused, error => error === thrown)
      assert.ok(!hasTrace(`thrown ${thrown.name}`))
    })

  test('whose statement fails leaves nothing of the statements before it', async () => {
    const failing = inTransaction(t.engine.db, async work => {
      await leaveTrace(work, 'before a failure')
      await work.db.insertInto('user_roles').values({ user_id: 'nobody', role: 'user' }).execute()
    })
    await assert.rejects(failing, /foreign key/i)
    assert.ok(!hasTrace('before a failure'))
  })

  for (const order of [
    ['user', 'installation'],
    ['user', 'user', 'installation'],
  ] as const)
    test(`that locks in another order than the others is a mistake: ${order.join(', ')}`, async () => {
      const locking = inTransaction(t.engine.db, async ({ beforeLock }) => order.forEach(beforeLock))
      await assert.rejects(locking, new TypeError("the installation's row is locked before a user's"))
    })

  test('may lock again what it has locked', async () => {
    const order = ['installation', 'user', 'user', 'installation'] as const
    await inTransaction(t.engine.db, async ({ beforeLock }) => order.forEach(beforeLock))
  })

  test('gives its value', async () => {
    assert.equal(await inTransaction(t.engine.db, async () => 'value'), 'value')
  })
})

describe('what is to happen after the commit', () => {
  test('happens in order, when others can see what was written, and before the caller goes on', async () => {
    const seen: string[] = []
    await inTransaction(t.engine.db, async work => {
      for (const step of ['first', 'second'])
        work.afterCommit(() => seen.push(`${step}: ${hasTrace('committed') ? 'visible' : 'not yet'}`))
      await leaveTrace(work, 'committed')
      assert.deepEqual(seen, [])
    })
    assert.deepEqual(seen, ['first: visible', 'second: visible'])
  })

  test('happens when a refusal was returned', async () => {
    let happened = false
    const refused = inTransaction(t.engine.db, async work => {
      work.afterCommit(() => {
        happened = true
      })
      return new Refusal('not_found')
    })
    await assert.rejects(refused, Refusal)
    assert.ok(happened)
  })

  test('never happens when the transaction was thrown out', async () => {
    const refused = inTransaction(t.engine.db, async work => {
      work.afterCommit(() => assert.fail('it happened'))
      throw new Refusal('not_found')
    })
    await assert.rejects(refused, { code: 'not_found' })
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser, signInAs } from '../../../../test/sessions/signed-in.ts'
import { register } from '../sign-in/register.ts'
import { inTransaction } from '../storage/transaction.ts'
import { type EventTable, withOwnEvents } from './events.ts'
import { commandLineOrigin, createRecorder, recordEvent, systemOrigin } from './record.ts'

const shopEvents = {
  'order.refunded': { when: 'An order was paid back.', fields: { order: 'plain' }, often: 'each' },
} as const satisfies EventTable
const recordShopEvent = createRecorder(shopEvents)

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

const countRows = (event: string): number =>
  second.rows('select 1 from audit_events where event = ?', event).length

describe('an audit event', () => {
  test('is there when its change is, and not a moment earlier', async () => {
    await inTransaction(t.engine.db, async work => {
      await recordEvent(t.engine, work, 'user.enabled', { origin: systemOrigin })
      assert.equal(countRows('user.enabled'), 0)
    })
    assert.equal(countRows('user.enabled'), 1)
  })

  test('goes with its change when that is rolled back', async () => {
    const failing = inTransaction(t.engine.db, async work => {
      await recordEvent(t.engine, work, 'user.disabled', { origin: systemOrigin })
      throw new Error('thrown out')
    })
    await assert.rejects(failing)
    assert.equal(countRows('user.disabled'), 0)
  })

  test('takes its change with it when it can not be written', async () => {
    const { id } = await addUser(t.engine, 'ann')
    await second.run('alter table audit_events rename to away')
    try {
      await assert.rejects(signInAs(t.engine, id))
      const registration = { username: 'newcomer', password: 'correct horse battery staple' }
      await assert.rejects(register(t.engine, registration, systemOrigin))
    } finally {
      await second.run('alter table away rename to audit_events')
    }
    assert.deepEqual(second.rows('select 1 from sessions'), [])
    assert.equal(second.row("select 1 from users where username = 'newcomer'"), undefined)
  })

  test('of an application stands beside those of the engine', async () => {
    await inTransaction(t.engine.db, work =>
      recordShopEvent(t.engine, work, 'order.refunded', {
        origin: commandLineOrigin,
        details: { order: 'o1' },
      }),
    )
    assert.equal(countRows('order.refunded'), 1)
  })

  test('with a fact that its row in the table does not name is refused, and its change with it', async () => {
    const details = { order: 'o1', card: '4111' } as unknown as { order: string }
    const failing = inTransaction(t.engine.db, async work => {
      await recordEvent(t.engine, work, 'user.invited', { origin: systemOrigin })
      await recordShopEvent(t.engine, work, 'order.refunded', { origin: systemOrigin, details })
    })
    await assert.rejects(failing, {
      name: 'TypeError',
      message: 'the event order.refunded has no field card',
    })
    assert.equal(countRows('user.invited'), 0)
  })

  test('of an application has a name of its own, and no field for the address that it has anyway', () => {
    const row = { when: 'Something.', fields: {}, often: 'each' } as const
    for (const wrong of [
      { 'session.started': row },
      { order: row },
      { 'Order.refunded': row },
      { 'order.': row },
      { 'order.refunded': { ...row, fields: { address: 'plain' } } },
    ] as const)
      assert.throws(() => withOwnEvents(wrong as unknown as EventTable), TypeError)
    assert.ok('order.refunded' in withOwnEvents(shopEvents))
  })

  test('leaves empty what nobody knows', async () => {
    const nobody = { actor: null, address: null, requestId: null }
    await inTransaction(t.engine.db, work =>
      recordEvent(t.engine, work, 'setup-link.made', { origin: nobody }),
    )
    const { id, ...row } = second.row("select * from audit_events where event = 'setup-link.made'") ?? {}
    assert.deepEqual(row, {
      at: t.clock.now(),
      event: 'setup-link.made',
      user_id: null,
      actor: null,
      session_id: null,
      address: null,
      request_id: null,
      reason: null,
      details: '{}',
      commitments: '{}',
      api_key_id: null,
    })
    assert.deepEqual(second.rows('select * from audit_personal where event_id = ?', Number(id)), [])
  })
})

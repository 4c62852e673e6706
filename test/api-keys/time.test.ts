import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, minute } from 'gatewright/clock'
import { newId } from 'gatewright/random'
import { inTransaction } from 'gatewright/transaction'
import { endExpiredKeys, remindOfKeys } from '../../packages/gatewright/src/upkeep/api-key-tasks.ts'
import { addService } from '../administration/added-service.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { giveAddress, giveLink } from '../mail/given-link.ts'
import { freshName } from '../senders.ts'
import { giveKeyWithId } from './given.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp()
  ann = await signUp(t, freshName())
  await giveAddress(t.engine, ann.id, 'ann@example.org')
})
after(() => t.close())

const rowOf = (id: string) =>
  t.engine.db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const remind = () => inTransaction(t.engine.db, work => remindOfKeys(t.engine, work))
const sentTo = async (to: string) => (await t.deliverMail()).filter(mail => mail.to === to)

test('an expired key ends with its trace, and one that goes on does not', async () => {
  const over = await giveKeyWithId(t, ann.id, { expiresAt: t.clock.now() + minute })
  const live = await giveKeyWithId(t, ann.id, { expiresAt: t.clock.now() + 2 * minute })
  t.clock.advance(minute)
  await inTransaction(t.engine.db, work => endExpiredKeys(t.engine, work))
  assert.deepEqual([(await rowOf(over.id)).end_reason, (await rowOf(live.id)).end_reason], ['expired', null])
  const event = await t.engine.db
    .selectFrom('audit_events')
    .select(['event', 'reason', 'actor'])
    .where('user_id', '=', ann.id)
    .orderBy('id', 'desc')
    .executeTakeFirst()
  assert.deepEqual(event, { event: 'api-key.ended', reason: 'expired', actor: 'system' })
})

describe('of a key that is going to end', () => {
  test('its owner is told fourteen days before, once, and never of a short-lived one', async () => {
    await giveKeyWithId(t, ann.id, { name: 'long', expiresAt: t.clock.now() + 60 * day })
    await giveKeyWithId(t, ann.id, { name: 'short', expiresAt: t.clock.now() + 10 * day })
    const before = (await sentTo('ann@example.org')).length
    await remind()
    assert.equal((await sentTo('ann@example.org')).length, before)
    t.clock.advance(46 * day)
    for (let time = 0; time < 3; time++) await remind()
    const mails = (await sentTo('ann@example.org')).slice(before)
    assert.equal(mails.length, 1)
    assert.match(mails[0]?.text ?? '', /long/)
    assert.match(mails[0]?.text ?? '', /not-me#/)
  })

  test('whoever made it for a service is told', async () => {
    const root = await signUp(t, freshName(), ['admin'])
    await giveAddress(t.engine, root.id, 'root@example.org')
    const service = await addService(t.engine)
    const { id } = await giveKeyWithId(t, service.id, {
      name: 'nightly',
      expiresAt: t.clock.now() + 60 * day,
    })
    await t.engine.db.updateTable('api_keys').set({ made_by: root.id }).where('id', '=', id).execute()
    t.clock.advance(50 * day)
    await remind()
    assert.equal((await sentTo('root@example.org')).length, 1)
  })
})

test('after a reset of the password the keys have ended, and the owner is told which', async () => {
  const ben = await signUp(t, freshName())
  await giveAddress(t.engine, ben.id, 'ben@example.org')
  const { key } = await giveKeyWithId(t, ben.id, { name: 'my-report' })
  const ask = async () => (await t.call('GET', 'protected', { headers: { 'x-api-key': key } })).status
  assert.equal(await ask(), 200)
  const token = await giveLink(t.engine, 'reset-password', ben.id, { email: 'ben@example.org' })
  const new_password = `a new one ${newId(t.engine.random)}`
  assert.equal((await t.call('POST', 'password/reset', { body: { token, new_password } })).status, 204)
  assert.equal(await ask(), 401)
  const mail = (await sentTo('ben@example.org')).at(-1)
  assert.match(mail?.text ?? '', /API keys that ended: my-report/)
})

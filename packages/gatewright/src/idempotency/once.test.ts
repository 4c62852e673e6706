import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { deleteUser } from '../administration/delete-user.ts'
import { recordEvent, systemOrigin } from '../audit/record.ts'
import { day, hour } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Work } from '../storage/transaction.ts'
import { type Attempt, once } from './once.ts'

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

const attempt: Attempt = {
  principalKind: 'client',
  principalId: 'somebody',
  route: 'POST /orders',
  key: 'k',
  requestHash: 'h',
}

let effects = 0
let tracesBefore = 0
beforeEach(async () => {
  effects = 0
  await t.engine.db.deleteFrom('idempotency_keys').execute()
  tracesBefore = countAllTraces()
})

/** An effect that leaves a row, as another process would see it. */
const leaveTrace = async (work: Work) => {
  await recordEvent(t.engine, work, 'sign-in.failed', { origin: systemOrigin })
  effects += 1
  return { status: 201, headers: { location: `/orders/${effects}` }, body: { effect: effects } }
}

const countAllTraces = (): number =>
  Number(second.row("select count(*) as n from audit_events where event = 'sign-in.failed'")?.n)
const countTraces = (): unknown => countAllTraces() - tracesBefore
const countKeys = (): unknown => second.row('select count(*) as n from idempotency_keys')?.n

const attemptIt = (changed: Partial<Attempt> = {}, effect = leaveTrace) =>
  once(t.engine, { ...attempt, ...changed }, effect)

test('fifty at once take effect once, and get one answer', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => attemptIt()))
  assert.deepEqual([effects, countTraces(), countKeys()], [1, 1, 1])
  assert.equal(answers.filter(({ isReplay }) => !isReplay).length, 1)
  for (const { status, headers, body } of answers)
    assert.deepEqual(
      { status, headers, body },
      { status: 201, headers: { location: '/orders/1' }, body: { effect: 1 } },
    )
})

test('the same key for another request is refused, and changes nothing', async () => {
  await attemptIt()
  const kept = second.row('select * from idempotency_keys')
  await assert.rejects(attemptIt({ requestHash: 'other' }), { code: 'idempotency_key_reused' })
  assert.deepEqual([effects, countTraces(), second.row('select * from idempotency_keys')], [1, 1, kept])
})

test('fifty at once with two bodies take effect once, and the other body gets no answer of it', async () => {
  const hashes = Array.from({ length: 50 }, (_, n) => `h${n % 2}`)
  const answers = await Promise.allSettled(hashes.map(requestHash => attemptIt({ requestHash })))
  const refused = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason.code] : []))
  assert.deepEqual(refused, Array(25).fill('idempotency_key_reused'))
  assert.deepEqual([effects, countTraces()], [1, 1])
})

for (const changed of [
  { principalId: 'somebody else' },
  { principalKind: 'api-key' },
  { route: 'POST /refunds' },
  { key: 'K' },
])
  test(`a key is nothing to others: ${Object.keys(changed)}`, async () => {
    await attemptIt()
    assert.equal((await attemptIt({ ...changed, requestHash: 'other' })).isReplay, false)
    assert.deepEqual([effects, countKeys()], [2, 2])
  })

for (const thrown of [new Refusal('not_found'), new TypeError('a mistake')])
  test(`an effect that throws a ${thrown.name} leaves neither key nor effect, and may be tried again`, async () => {
    const failing = attemptIt({}, async work => {
      await leaveTrace(work)
      throw thrown
    })
    await assert.rejects(failing, error => error === thrown)
    assert.deepEqual([countTraces(), countKeys()], [0, 0])
    assert.equal((await attemptIt()).isReplay, false)
  })

test('an effect that returns a refusal keeps its trace and no key', async () => {
  const refusing = once(t.engine, attempt, async work => {
    await leaveTrace(work)
    return new Refusal('conflict')
  })
  await assert.rejects(refusing, { code: 'conflict' })
  assert.deepEqual([countTraces(), countKeys()], [1, 0])
})

test('a key stands for its answer for 24 hours, and then for nothing', async () => {
  await attemptIt()
  t.clock.advance(day - 1)
  assert.deepEqual([(await attemptIt()).isReplay, effects], [true, 1])
  t.clock.advance(1)
  assert.deepEqual([(await attemptIt({ requestHash: 'other' })).isReplay, effects], [false, 2])
  t.clock.advance(hour)
  await assert.rejects(attemptIt(), { code: 'idempotency_key_reused' })
  assert.equal(countKeys(), 1)
})

test('fifty at once on a key past its time take effect once', async () => {
  await attemptIt()
  t.clock.advance(2 * day)
  await Promise.all(Array.from({ length: 50 }, () => attemptIt()))
  assert.deepEqual([effects, countTraces()], [2, 2])
})

test('what a user asks for who is deleted meanwhile takes no effect, and is not kept', async () => {
  const { id } = await addUser(t.engine, 'leaving')
  await deleteUser(t.engine, { userId: id, origin: systemOrigin })
  await assert.rejects(attemptIt({ principalKind: 'user', principalId: id, userId: id }), {
    code: 'session_ended',
  })
  assert.deepEqual([effects, countKeys()], [0, 0])
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { minute } from '../ground/clock.ts'
import { inTransaction } from '../storage/transaction.ts'
import { type CutOff, recordCutOffs } from './cut-offs.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const token = (sessionId: string) => ({ sessionId, userId: 'ann', userVersion: 1 })
const end = (subject: string, promisedUntil = t.clock.now()): CutOff => ({
  kind: 'session',
  subject,
  promisedUntil,
})
const listRows = () => t.engine.db.selectFrom('cut_offs').selectAll().execute()

test('a cut-off holds in its own process as soon as it is committed, and not before', async () => {
  await inTransaction(t.engine.db, async work => {
    await recordCutOffs(t.engine, work, [end('s1')])
    assert.ok(!t.engine.revocations.isEnded(token('s1')))
  })
  assert.ok(t.engine.revocations.isEnded(token('s1')))
})

test('a cut-off whose transaction was thrown out ends nothing, here or elsewhere', async () => {
  const failing = inTransaction(t.engine.db, async work => {
    await recordCutOffs(t.engine, work, [end('s2')])
    throw new Error('thrown out')
  })
  await assert.rejects(failing)
  assert.ok(!t.engine.revocations.isEnded(token('s2')))
  assert.ok(!(await listRows()).some(row => row.subject === 's2'))
})

test('a cut-off matters until the latest promised exp and a minute more, whatever is set today', async () => {
  const promised = t.clock.now() + 24 * 60 * minute
  await inTransaction(t.engine.db, work => recordCutOffs(t.engine, work, [end('s3', promised)]))
  const row = (await listRows()).find(({ subject }) => subject === 's3')
  assert.equal(row?.matters_until, promised + minute)
})

test('nothing to cut off writes nothing', async () => {
  const before = await listRows()
  await inTransaction(t.engine.db, work => recordCutOffs(t.engine, work, []))
  assert.deepEqual(await listRows(), before)
})

test('places only grow, also when the newest row was taken away', async () => {
  const write = (subject: string) =>
    inTransaction(t.engine.db, work => recordCutOffs(t.engine, work, [end(subject)]))
  await write('s4')
  const { place = 0 } = (await listRows()).at(-1) ?? {}
  await t.engine.db.deleteFrom('cut_offs').execute()
  await write('s5')
  assert.ok(((await listRows())[0]?.place ?? 0) > place)
})

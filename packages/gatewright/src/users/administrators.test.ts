import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { inTransaction } from '../storage/transaction.ts'
import { hasHadAdministrator, noteAdministrator } from './administrators.ts'

let t: TestApp
beforeEach(async () => {
  t = await startTestApp()
})
afterEach(() => t.close())

const note = (...roles: string[]) =>
  inTransaction(t.engine.db, work => noteAdministrator(t.engine, work, roles))
const hasHad = () => inTransaction(t.engine.db, hasHadAdministrator)
const firstAt = async () =>
  (await t.engine.db.selectFrom('installation').selectAll().executeTakeFirstOrThrow()).first_administrator_at

test('a new database has never had an administrator', async () => assert.equal(await hasHad(), false))

test('other roles do not make an administrator, whatever they sound like', async () => {
  await note()
  await note('user', 'moderator', 'Admin', 'administrator')
  assert.equal(await hasHad(), false)
})

test('the first administrator is noted once, and never forgotten', async () => {
  const at = t.clock.now()
  await note('user', 'admin')
  t.clock.advance(1_000)
  await note('admin')
  assert.deepEqual([await hasHad(), await firstAt()], [true, at])
  await t.engine.db.deleteFrom('user_roles').execute()
  assert.equal(await hasHad(), true)
})

test('a first administrator whose transaction is thrown out has never existed', async () => {
  const failing = inTransaction(t.engine.db, async work => {
    await noteAdministrator(t.engine, work, ['admin'])
    throw new Error('thrown out')
  })
  await assert.rejects(failing)
  assert.equal(await hasHad(), false)
})

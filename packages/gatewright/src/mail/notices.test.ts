import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin } from '../audit/record.ts'
import { findCode } from '../codes/codes.ts'
import { inTransaction } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'
import { tellOwner } from './notices.ts'
import type { Letter } from './queue.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const tell = (userId: string) =>
  inTransaction(t.engine.db, async work => {
    const secretId = await t.engine.processes.secretInForce(work)
    await lockUser(work, userId)
    const values = { factor: 'totp' } as const
    await tellOwner(t.engine, work, {
      userId,
      notice: 'factor-added',
      origin: systemOrigin,
      values,
      secretId,
    })
  })

const verify = (id: string, email: string | null, at: number | null) =>
  t.engine.db
    .updateTable('users')
    .set({ email, email_key: email, email_verified_at: at, locale: 'zh-TW' })
    .where('id', '=', id)
    .execute()

const mailsOf = (id: string) =>
  t.engine.db.selectFrom('mails').selectAll().where('user_id', '=', id).execute()

test('a notice waits in the queue, sealed, with a link that only its reader knows', async () => {
  const { id, username } = await addUser(t.engine, 'noticed')
  await verify(id, 'noticed@example.org', 1)
  await tell(id)
  const [row, ...more] = await mailsOf(id)
  assert.ok(row && more.length === 0)
  assert.doesNotMatch(JSON.stringify(row), /noticed@|totp/)
  const opened = JSON.parse(t.engine.secrets.open('mail', row.id, row.content).toString()) as Letter
  assert.equal(opened.to, 'noticed@example.org')
  assert.equal(opened.locale, 'zh-TW')
  assert.equal(opened.values.username, username)
  const code = await findCode(t.engine, { purpose: 'not-me', secret: opened.links.notMe ?? '' })
  assert.equal(code?.user_id, id)
})

test('an address that was not verified is told nothing', async () => {
  const { id } = await addUser(t.engine, 'unverified')
  await verify(id, 'unverified@example.org', null)
  await tell(id)
  assert.deepEqual(await mailsOf(id), [])
})

test('a notice whose cause was rolled back is never sent', async () => {
  const { id } = await addUser(t.engine, 'undone')
  await verify(id, 'undone@example.org', 1)
  const failing = inTransaction(t.engine.db, async work => {
    const secretId = await t.engine.processes.secretInForce(work)
    await tellOwner(t.engine, work, { userId: id, notice: 'factor-added', origin: systemOrigin, secretId })
    throw new Error('undone')
  })
  await assert.rejects(failing, /undone/)
  assert.deepEqual(await mailsOf(id), [])
})

test('of two who verify one address at once the database lets one', async () => {
  const { id: first } = await addUser(t.engine, 'first')
  const { id: second } = await addUser(t.engine, 'second')
  await verify(first, 'one@example.org', 1)
  await assert.rejects(verify(second, 'one@example.org', 1))
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { hour } from 'gatewright/clock'
import { checkMail } from '../../packages/gatewright/src/upkeep/mail-checks.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { queueUp, readMails } from './queue-up.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('the doctor sees mail that nobody sends, and mail that was given up, and never says to whom', async () => {
  assert.equal((await checkMail(t.engine)).level, 'ok')
  await queueUp(t.engine, 'ann@example.org')
  assert.match((await checkMail(t.engine)).found, /^1 waiting$/)
  t.clock.advance(2 * hour)
  const late = await checkMail(t.engine)
  assert.deepEqual([late.level, /reset-password/.test(late.found)], ['warning', true])
  const now = t.clock.now()
  const given = { given_up_at: now, forgotten_at: now + hour, problem: '550' }
  await t.engine.db.updateTable('mails').set(given).execute()
  const dead = await checkMail(t.engine)
  assert.equal(dead.found, 'given up: 1, by reset-password (550)')
  assert.doesNotMatch(JSON.stringify([late, dead]), /ann@/)
  assert.equal((await readMails(t.engine)).length, 1)
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { minute } from '../ground/clock.ts'
import { inTransaction } from '../storage/transaction.ts'
import { consumeCode, countAttempt, endCodes, findCode, makeCode, type NewCode } from './codes.ts'
import { codePurposes, type Purpose } from './purposes.ts'

let t: TestApp
let users = 0
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const newUser = async () => (await addUser(t.engine, `user${++users}`)).id
const make = async (code: NewCode): Promise<string> => {
  const made = await inTransaction(t.engine.db, work => makeCode(t.engine, work, code))
  assert.ok(made)
  return made.secret
}
const consume = (purpose: Purpose, secret: string) =>
  inTransaction(t.engine.db, work => consumeCode(t.engine, work, { purpose, secret }))
const raise = (userId: string) =>
  t.engine.db
    .updateTable('users')
    .set(eb => ({ version: eb('version', '+', 1) }))
    .where('id', '=', userId)
    .execute()

test('of twenty who show one code at once one gets it, and nobody after that', async () => {
  const id = await newUser()
  const secret = await make({ purpose: 'reset-password', user: { id, version: 1 }, data: { a: 1 } })
  const taken = await Promise.all(Array.from({ length: 20 }, () => consume('reset-password', secret)))
  const got = taken.filter(code => code !== undefined)
  assert.deepEqual(
    got.map(code => [code.user_id, code.data, code.user?.id]),
    [[id, { a: 1 }, id]],
  )
  assert.equal(await consume('reset-password', secret), undefined)
})

test('the database keeps no secret of a code', async () => {
  const secret = await make({ purpose: 'passkey-sign-in' })
  const rows = await t.engine.db.selectFrom('codes').selectAll().execute()
  assert.ok(!JSON.stringify(rows).includes(secret))
})

describe('a code opens nothing', () => {
  const refused: Record<string, (userId: string, secret: string) => Promise<Purpose>> = {
    'meant for something else': async () => 'verify-email',
    'past its time': async () => {
      await t.clock.advance(codePurposes['reset-password'].lifetime)
      return 'reset-password'
    },
    'that its user’s event ended': async userId => {
      await inTransaction(t.engine.db, work => endCodes(work, userId))
      return 'reset-password'
    },
    'whose user is disabled': async userId => {
      await t.engine.db
        .updateTable('users')
        .set({ disabled_at: t.clock.now() })
        .where('id', '=', userId)
        .execute()
      return 'reset-password'
    },
  }
  for (const [which, arrange] of Object.entries(refused))
    test(which, async () => {
      const id = await newUser()
      const secret = await make({ purpose: 'reset-password', user: { id, version: 1 } })
      const purpose = await arrange(id, secret)
      assert.equal(await consume(purpose, secret), undefined)
    })
})

test('no code is made for a user who changed since it was read, or is disabled', async () => {
  const id = await newUser()
  await raise(id)
  const made = await inTransaction(t.engine.db, work =>
    makeCode(t.engine, work, { purpose: 'reset-password', user: { id, version: 1 } }),
  )
  assert.equal(made, undefined)
})

test('a link that takes back what a thief did outlives what the thief does next, and not its user', async () => {
  const userId = await newUser()
  const { sessionId } = await signInAs(t.engine, userId)
  const undo = await make({ purpose: 'undo-email', user: { id: userId, version: 1 } })
  const reset = await make({ purpose: 'reset-password', user: { id: userId, version: 1 } })
  const subject = { userId, sessionId, amr: ['pwd'], secretId: t.engine.secrets.newestId, origin }
  await inTransaction(t.engine.db, work => applyConsequences(t.engine, work, 'password changed', subject))
  assert.equal(await findCode(t.engine, { purpose: 'reset-password', secret: reset }), undefined)
  assert.ok(await findCode(t.engine, { purpose: 'undo-email', secret: undo }))
  await inTransaction(t.engine.db, work =>
    applyConsequences(t.engine, work, 'user deleted', { userId, origin }),
  )
  assert.equal(await consume('undo-email', undo), undefined)
})

test('attempts are counted before anything is checked: of twenty at once five count, and then none', async () => {
  const id = await newUser()
  const shown = {
    purpose: 'second-factor',
    secret: await make({ purpose: 'second-factor', user: { id, version: 1 } }),
  } as const
  const counted = await Promise.all(Array.from({ length: 20 }, () => countAttempt(t.engine, t.engine, shown)))
  assert.deepEqual(
    counted.flatMap(code => (code ? [code.attempts] : [])).sort((a, b) => a - b),
    [1, 2, 3, 4, 5],
  )
  await t.clock.advance(minute)
  assert.equal(await countAttempt(t.engine, t.engine, shown), undefined)
})

test('what a session has open ends with it, and other sessions keep theirs', async () => {
  const userId = await newUser()
  const [one, other] = [await signInAs(t.engine, userId), await signInAs(t.engine, userId)]
  const ofSession = (sessionId: string) =>
    make({ purpose: 'passkey-registration', user: { id: userId, version: 1 }, sessionId })
  const [ended, kept] = [await ofSession(one.sessionId), await ofSession(other.sessionId)]
  await inTransaction(t.engine.db, work =>
    applyConsequences(t.engine, work, 'logout', { userId, sessionId: one.sessionId, origin }),
  )
  assert.equal(await consume('passkey-registration', ended), undefined)
  assert.ok(await consume('passkey-registration', kept))
})

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { hour, minute } from 'gatewright/clock'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Answer, password } from '../harness.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { addUser } from '../sessions/signed-in.ts'
import { enrolWithCodes } from './enrolled.ts'
import { second, t, useScene } from './scene.ts'

let name: string
let userId: string
let recoveryCodes: readonly string[]
useScene()
beforeEach(async () => {
  t.clock.advance(minute)
  name = freshName()
  userId = (await addUser(t.engine, name, { passwordHash: hashCheaply(password) })).id
  recoveryCodes = await enrolWithCodes(t.engine, userId)
  const address = `${name}@example.org`
  const verified = 'update users set email = ?, email_key = ?, email_verified_at = 1 where id = ?'
  await second.run(verified, address, address, userId)
})

const begin = async (): Promise<string> =>
  (await t.call('POST', 'login', { body: { username: name, password } })).body.mfa_token
const showCode = async (code: string, method = 'totp'): Promise<Answer> =>
  t.call('POST', 'login/mfa', { body: { mfa_token: await begin(), method, code } })
const told = (kind: string): number =>
  second.rows('select id from mails where user_id = ? and kind = ?', userId, kind).length

describe('a right password with a wrong second factor', () => {
  test('is told to the owner from the third in a row on, and at most once an hour', async () => {
    for (const mails of [0, 0, 1, 1, 1]) {
      assert.equal((await showCode('abcdef')).status, 401)
      assert.equal(told('factor-failed'), mails)
    }
    t.clock.advance(hour + minute)
    await showCode('abcdef')
    assert.equal(told('factor-failed'), 2)
  })

  test('is told once where many come at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => showCode('abcdef')))
    assert.equal(told('factor-failed'), 1)
  })
})

test('a recovery code that was used is told, with how many are left', async () => {
  assert.equal((await showCode(recoveryCodes[0] ?? '', 'recovery_code')).status, 200)
  assert.equal(told('recovery-code-used'), 1)
})

test('a reset of the factors is told', async () => {
  await resetFactors(t.engine, { userId, reason: 'lost', origin })
  assert.equal(told('factors-reset'), 1)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refusal } from '../ground/refusal.ts'
import { checkPasswordLength, parsePassword } from './password.ts'

const refusalOf = (action: () => unknown): Refusal => {
  try {
    action()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  return assert.fail('nothing was refused')
}

describe('refused', () => {
  test('is a password of 1,025 bytes, with the field that holds it', () => {
    const refusal = refusalOf(() => parsePassword('a'.repeat(1_025), '/new_password'))
    assert.equal(refusal.code, 'validation_failed')
    assert.deepEqual(refusal.details.errors, [{ path: '/new_password', message: 'at most 1024 bytes' }])
  })

  test('is a password of 400 characters of three bytes each', () => {
    assert.equal(refusalOf(() => parsePassword('漢'.repeat(400))).code, 'validation_failed')
  })

  test('is half a surrogate pair, which would hash like any other half', () => {
    const refusal = refusalOf(() => parsePassword('\ud800'.repeat(15)))
    assert.deepEqual(refusal.details.errors, [{ path: '/password', message: 'must be well-formed Unicode' }])
  })

  test('is a new password of 14 characters where 15 are asked for', () => {
    const rules = { minLength: 15, path: '/new_password' }
    const refusal = refusalOf(() => checkPasswordLength(parsePassword('a'.repeat(14)), rules))
    assert.equal(refusal.code, 'password_too_short')
    assert.deepEqual(refusal.details.errors, [{ path: '/new_password', message: 'at least 15 characters' }])
  })

  test('is a new password of 14 code points that are 28 units of UTF-16', () => {
    const rules = { minLength: 15, path: '/password' }
    assert.equal(
      refusalOf(() => checkPasswordLength(parsePassword('🔑'.repeat(14)), rules)).code,
      'password_too_short',
    )
  })

  test('is a new password that is long enough only before it is composed', () => {
    const rules = { minLength: 15, path: '/password' }
    const decomposed = 'e\u0301'.repeat(14)
    assert.equal(
      refusalOf(() => checkPasswordLength(parsePassword(decomposed), rules)).code,
      'password_too_short',
    )
  })

  test('never repeats the password', () => {
    const text = 'hunter2'
    const refusal = refusalOf(() =>
      checkPasswordLength(parsePassword(text), { minLength: 15, path: '/password' }),
    )
    assert.ok(!JSON.stringify([refusal, refusal.message, refusal.details]).includes(text))
  })
})

describe('taken as it is', () => {
  for (const text of [' surrounded by spaces ', 'a\0b', 'PassWord', '\t', '', 'ﬁ', 'a'.repeat(1_024)])
    test(`is ${JSON.stringify(text.slice(0, 30))}`, () => assert.equal(parsePassword(text), text))

  test('are 1,024 bytes that were more before they were composed', () => {
    assert.equal(parsePassword('e\u0301'.repeat(512)), 'é'.repeat(512))
  })

  test('is a new password of exactly 15 code points', () => {
    checkPasswordLength(parsePassword('🔑'.repeat(15)), { minLength: 15, path: '/password' })
  })
})

test('two keyboards that write é differently write the same password', () => {
  assert.equal(parsePassword('cafe\u0301'), parsePassword('caf\u00e9'))
})

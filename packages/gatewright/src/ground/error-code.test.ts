import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from './error-code.ts'

test('an error that is not of the file system is not taken for one', () => {
  assert.throws(() => codeOf(new RangeError('ours')), RangeError)
})

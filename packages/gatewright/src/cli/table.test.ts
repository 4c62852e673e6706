import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTable } from './table.ts'

test('control characters in a cell cannot move the cursor', () => {
  assert.deepEqual(toTable([['a\u001b[2Jb', 'c\nd']]), ['a?[2Jb  c?d'])
})

test('columns are aligned, also behind wide characters and combining marks, without spaces at the end', () => {
  assert.deepEqual(
    toTable([
      ['NAME', 'ROLE', ''],
      ['李雷', 'admin', ''],
      ['e\u0301va', 'user', ''],
    ]),
    ['NAME  ROLE', '李雷  admin', 'e\u0301va   user'],
  )
})

test('no rows are no lines', () => assert.deepEqual(toTable([]), []))

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printableJson, toTable } from './table.ts'

test('control characters in a cell cannot move the cursor', () => {
  assert.deepEqual(toTable([['a\u001b[2Jb', 'c\nd']]), ['a?[2Jb  c?d'])
})

test('a name cannot turn the rest of its line around', () => {
  assert.deepEqual(toTable([['a\u202eb\u2066', '\u2028c\u061c']]), ['a?b?  ?c?'])
})

test('JSON has no control character and no mark of direction but as an escape, and says the same', () => {
  const value = { name: 'a\u009b2J\u202eb\u2069', rest: 'é李\u{1f600}' }
  const text = printableJson(value)
  assert.equal(text, '{"name":"a\\u009b2J\\u202eb\\u2069","rest":"é李\u{1f600}"}')
  assert.deepEqual(JSON.parse(text), value)
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

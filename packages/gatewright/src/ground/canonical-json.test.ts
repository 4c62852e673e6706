import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from './canonical-json.ts'

test('one value has one text, however its members are ordered, all the way down', () => {
  const text = '{"a":[{"c":1,"d":null}],"b":"x"}'
  assert.equal(canonicalJson({ a: [{ c: 1, d: null }], b: 'x' }), text)
  assert.equal(canonicalJson({ b: 'x', a: [{ d: null, c: 1 }] }), text)
})

test('what differs has different texts', () => {
  const values = [null, 0, '0', false, '', [], {}, [0], [[0]], { a: 0 }, { a: '0' }, [0, 1], [1, 0], ['0,1']]
  assert.equal(new Set(values.map(canonicalJson)).size, values.length)
})

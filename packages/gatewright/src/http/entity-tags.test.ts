import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyRequest } from 'fastify'
import { readEntityTags, readIfMatch, requireIfMatch, toMark, toVersionTag } from './entity-tags.ts'

const withIfMatch = (header?: string) =>
  ({ headers: header === undefined ? {} : { 'if-match': header } }) as FastifyRequest

for (const header of [
  '1',
  '"1',
  "'1'",
  'w/"1"',
  'W/ "1"',
  '"1" "2"',
  '"1", 2',
  '*, "1"',
  '"1"; q=1',
  '"a b"',
  '"a\u0000"',
  ',',
  '',
])
  test(`what is not a list of tags names none: ${JSON.stringify(header)}`, () => {
    assert.deepEqual(readEntityTags(header), [])
    assert.throws(() => readIfMatch(withIfMatch(header)), { code: 'precondition_failed' })
  })

test('a list of tags is read whole, with spaces, commas and empty elements as they may stand', () => {
  const tags = readEntityTags(' ,"1" ,\t W/"b,c" ,, "", ')
  assert.deepEqual(tags, [
    { text: '"1"', isWeak: false },
    { text: '"b,c"', isWeak: true },
    { text: '""', isWeak: false },
  ])
  assert.equal(readEntityTags('*'), 'any')
})

test('a header of 16 KiB that is nearly a list is read in no time', () => {
  for (const part of ['"a",', ',', ' ', '"', 'W/"a" '])
    assert.deepEqual(readEntityTags(`${part.repeat(16_384 / part.length)}x`), [])
})

for (const header of ['W/"1"', '"01"', '"0"', '"-1"', '"1.0"', '"1e3"', '"9999999999"', '"abc"', '""'])
  test(`If-Match ${header} fits no version`, () => {
    assert.throws(() => readIfMatch(withIfMatch(header)), { code: 'precondition_failed' })
  })

test('a change that must say what it was made from is refused without If-Match, and another is not', () => {
  assert.throws(() => requireIfMatch(withIfMatch()), { code: 'precondition_required' })
  assert.equal(readIfMatch(withIfMatch()), undefined)
})

test('If-Match names the strong versions of its list, or any', () => {
  assert.deepEqual(readIfMatch(withIfMatch(`W/"4", "x", ${toVersionTag(7)}, "8"`)), [7, 8])
  assert.equal(requireIfMatch(withIfMatch('*')), undefined)
})

test('the mark of a text can stand in a tag, is the same each time, and another for another text', () => {
  assert.equal(toVersionTag(3, toMark('Alice')), '"3.O8UQYpc8RY1aby2N"')
  const marks = ['', 'Alice', 'alice', 'Alice ', 'Zoë', 'Zoe\u0308'].map(toMark)
  for (const mark of marks) assert.match(mark, /^[\w-]{16}$/)
  assert.equal(new Set(marks).size, marks.length)
  const versions = readIfMatch(withIfMatch(marks.map((mark, n) => toVersionTag(n + 1, mark)).join(', ')))
  assert.deepEqual(versions, [1, 2, 3, 4, 5, 6])
})

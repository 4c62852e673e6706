import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listTitles } from './test-titles.ts'

const titlesOf = (text: string, path = 'a.test.ts') => [...listTitles(new Map([[path, text]]))]

test('a test is listed by its title, and with the titles that it stands in', () => {
  const text = `describe('outer', () => { test('inner', () => {}) }); test('next', () => {})`
  assert.deepEqual(titlesOf(text), ['outer', 'inner', 'outer › inner', 'next'])
})

test('what a title gets at run time is written as three dots', () => {
  assert.deepEqual(titlesOf(`test(\`a \${kind} of \${thing}\`, () => {})`), ['a … of …'])
})

test('what does not run by itself is not listed', () => {
  for (const text of ["test.skip('x')", "test.todo('x')", "call('x')", '// test("x")', "const x = 'test(y)'"])
    assert.deepEqual(titlesOf(text), [], text)
  assert.deepEqual(titlesOf("test('x', () => {})", 'a.ts'), [])
})

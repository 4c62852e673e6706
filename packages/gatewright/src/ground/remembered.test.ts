import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remembered } from './remembered.ts'

const counted = (most: number) => {
  const made: string[] = []
  const find = remembered((text: string) => {
    made.push(text)
    return text === '' ? undefined : text.length > 1
  }, most)
  return { made, find }
}

test('an answer is made once for a text, also one that is false', () => {
  const { made, find } = counted(2)
  for (let time = 0; time < 3; time += 1) assert.deepEqual([find('a'), find('bb')], [false, true])
  assert.deepEqual(made, ['a', 'bb'])
})

test('one more than are kept begins anew, so ever new texts take no more memory', () => {
  const { made, find } = counted(2)
  for (const text of ['a', 'b', 'c', 'c', 'a']) find(text)
  assert.deepEqual(made, ['a', 'b', 'c', 'a'])
})

test('no answer is asked for again, and takes no place', () => {
  const { made, find } = counted(1)
  for (const text of ['a', '', '', 'a']) find(text)
  assert.deepEqual(made, ['a', '', ''])
})

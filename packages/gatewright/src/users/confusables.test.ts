import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { confusables, skeleton } from './confusables.ts'

const rows = Object.entries(confusables).flatMap(([script, letters]) =>
  Object.entries(letters as Readonly<Record<string, string>>).flatMap(([latin, alike]) =>
    [...alike].map(letter => ({ script, latin, letter })),
  ),
)

describe('each letter of the table', () => {
  test('is of the script that it stands under', () => {
    for (const { script, letter } of rows)
      assert.match(letter, new RegExp(`^[\\p{sc=${script}}&&\\p{L}]$`, 'v'), `${letter} under ${script}`)
  })

  test('is still itself after normalization, or it would never be found', () => {
    for (const { letter } of rows) assert.equal(letter.normalize('NFKC').normalize('NFD'), letter)
  })

  test('stands once', () => {
    const letters = rows.map(({ letter }) => letter)
    assert.deepEqual(
      letters.filter((letter, at) => letters.indexOf(letter) !== at),
      [],
    )
  })

  test('looks like small ASCII letters and has their skeleton', () => {
    for (const { latin, letter } of rows) {
      assert.match(latin, /^[a-z]{1,2}$/)
      assert.equal(skeleton(letter), skeleton(latin), letter)
    }
  })
})

test('a skeleton knows capitals that look different from their small letters', () => {
  assert.equal(skeleton('Ν'), skeleton('n'))
  assert.equal(skeleton('ν'), skeleton('v'))
  assert.equal(skeleton('Η'), skeleton('h'))
  assert.equal(skeleton('η'), skeleton('n'))
})

test('letters that look like no Latin one stay what they are', () => {
  for (const name of ['жюф', '田中', 'אבג', 'ไทย']) assert.notEqual(skeleton(name), '')
  assert.notEqual(skeleton('жюф'), skeleton('фюж'))
})

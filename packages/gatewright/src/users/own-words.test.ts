import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hasLittleBeside, ownWords } from './own-words.ts'
import { parsePassword } from './password.ts'

const service = {
  settings: { appName: 'Mein Büro' },
  publicUrl: 'https://api.example.org:8443',
  roleTable: { roles: new Map([['moderator', {}]]) },
}
const words = ownWords({ username: 'Alice.Smith', email: 'a.liddell@wonder-land.example' }, service)

test('own words are the names of the user and of the service, whole and in parts', () => {
  assert.deepEqual(words.toSorted(), [
    'a.liddell',
    'a.liddell@wonder-land.example',
    'alice',
    'alice.smith',
    'api',
    'api.example.org',
    'büro',
    'example',
    'land',
    'liddell',
    'mein',
    'mein büro',
    'moderator',
    'org',
    'smith',
    'wonder',
    'wonder-land.example',
  ])
})

describe('a password is little more than own words', () => {
  for (const text of [
    'alicealicealicealice',
    'ALICE.SMITH.2026',
    'liddell@Mein Büro!',
    'api.example.org1',
    'moderator1234567',
    'Alice+Smith+MeinBüro+1',
    'wonderland1234567',
  ])
    test(text, () => assert.equal(hasLittleBeside(words, parsePassword(text)), true))
})

test('a name in wide letters is the name that it is stored as', () => {
  const wide = ownWords({ username: 'Ｋｏｗａｌｃｚｅｗｓｋａ' }, service)
  assert.equal(hasLittleBeside(wide, parsePassword('kowalczewska1990')), true)
})

describe('a password is more than own words', () => {
  for (const text of [
    'alice likes 12 white cats',
    'my landlord sings at night',
    'correct horse battery staple',
    'short',
    '漢字',
  ])
    test(text, () => assert.equal(hasLittleBeside(words, parsePassword(text)), false))

  test('where nothing is known of anybody', () => {
    const none = ownWords({}, { ...service, settings: { appName: '-' }, roleTable: { roles: new Map() } })
    assert.equal(hasLittleBeside(none, parsePassword('alicealicealice')), false)
  })
})

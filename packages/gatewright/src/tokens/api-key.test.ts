import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDocument } from '../../../../test/markdown.ts'
import { systemRandom } from '../ground/random.ts'
import { beginningOf, hasSecret, newApiKey, parseApiKey } from './api-key.ts'

test('a key is parsed into the id and the hash that it was made with', () => {
  const made = newApiKey(systemRandom)
  assert.match(made.key, /^gwk_[A-Za-z0-9_-]{70}$/)
  assert.deepEqual(parseApiKey(made.key), made)
  assert.ok(made.key.startsWith(beginningOf(made.id)))
  assert.notEqual(newApiKey(systemRandom).key, made.key)
})

test('checksum: of a key no character can be changed, left out or added', () => {
  const { key } = newApiKey(systemRandom)
  for (let at = 0; at < key.length; at++) {
    const other = key[at] === 'A' ? 'B' : 'A'
    assert.equal(parseApiKey(key.slice(0, at) + other + key.slice(at + 1)), undefined, String(at))
    assert.equal(parseApiKey(key.slice(0, at) + key.slice(at + 1)), undefined, String(at))
  }
  for (const text of [
    '',
    'gwk_',
    `${key}A`,
    `${key}=`,
    ` ${key}`,
    key.toUpperCase(),
    key.replace('gwk', 'gwr'),
  ])
    assert.equal(parseApiKey(text), undefined, text)
})

test('the rule of docs/api-keys.md finds each key in a text, whole, and no other word', () => {
  const [, expression = 'no rule'] = /regex = '''(.+)'''/.exec(readDocument('docs/api-keys.md')) ?? []
  const rule = new RegExp(expression, 'g')
  const keys = Array.from({ length: 200 }, () => newApiKey(systemRandom).key)
  const settings = keys.map(
    (key, n) => [`KEY=${key}`, `{"key":"${key}"}`, `curl -H 'X-API-Key: ${key}'`][n % 3],
  )
  assert.deepEqual(settings.join('\n').match(rule), keys)
  const [key = ''] = keys
  for (const text of [
    key.slice(0, -1),
    key.replace('gwk_', 'gwr_'),
    `a${key}`,
    beginningOf('A'.repeat(22)),
    '',
  ])
    assert.equal(text.match(rule), null, text)
})

test('a secret is compared as a whole, and with nothing of another length', () => {
  const [key, other] = [newApiKey(systemRandom), newApiKey(systemRandom)]
  assert.ok(hasSecret(key, key.hash))
  for (const stored of [other.hash, '', key.hash.slice(1), `${key.hash}A`]) assert.ok(!hasSecret(key, stored))
})

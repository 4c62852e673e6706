import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBase64url, toBase64url } from './encoding.ts'
import { systemRandom } from './random.ts'
import { createSecrets, secretIdBytes } from './secrets.ts'

const ids = Array.from({ length: 256 }, (_, byte) => {
  const text = toBase64url(new Uint8Array(32).fill(byte))
  return createSecrets([text], systemRandom).newestId
})

test('no id of a secret looks like an option of a command line', () => {
  for (const id of ids) assert.doesNotMatch(id, /^-/)
})

test('an id of a secret is four bytes, so that a refresh token can carry it', () => {
  for (const id of ids) {
    const bytes = fromBase64url(id)
    assert.equal(bytes?.length, secretIdBytes)
    assert.equal(toBase64url(bytes ?? new Uint8Array()), id)
  }
})

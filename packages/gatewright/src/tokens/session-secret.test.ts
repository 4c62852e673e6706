import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../ground/random.ts'
import {
  csrfTokenOf,
  hashSessionSecret,
  isCsrfTokenOf,
  newSessionSecret,
  parseSessionSecret,
} from './session-secret.ts'

const fixed = { bytes: (count: number) => Buffer.alloc(count, 7) }

test('a secret is gws_, 256 random bits and a checksum, and is read again as it was made', () => {
  const secret = newSessionSecret(systemRandom)
  assert.match(secret, /^gws_[\w-]{48}$/)
  assert.equal(parseSessionSecret(secret), secret)
  assert.notEqual(newSessionSecret(systemRandom), secret)
})

test('it is made of all the bytes that it asks for, and of nothing else', () => {
  const secret = newSessionSecret(fixed)
  assert.equal(secret, newSessionSecret(fixed))
  const bytes = Buffer.from(secret.slice(4), 'base64url')
  assert.deepEqual(bytes.subarray(0, 32), Buffer.alloc(32, 7))
})

test('no other spelling of a secret is one', () => {
  const secret = newSessionSecret(fixed)
  const spellings = [
    ...['', 'gws_', secret.slice(4), `${secret}=`, `${secret} `, ` ${secret}`, secret.toUpperCase()],
    ...[`gwr_${secret.slice(4)}`, secret.slice(0, -1), `${secret}A`, `${secret.slice(0, -4)}AAAA`],
    `gws_${Buffer.from(secret.slice(4), 'base64url').toString('base64')}=`,
  ]
  for (const text of spellings) assert.equal(parseSessionSecret(text), undefined, text)
})

test('one changed letter anywhere is found by the checksum', () => {
  const secret = newSessionSecret(systemRandom)
  for (let at = 4; at < secret.length; at += 1) {
    const other = secret[at] === 'A' ? 'B' : 'A'
    assert.equal(parseSessionSecret(secret.slice(0, at) + other + secret.slice(at + 1)), undefined)
  }
})

test('hash and CSRF token follow from the secret, differ from each other and hold nothing of it', () => {
  const secret = newSessionSecret(systemRandom)
  const [hash, token] = [hashSessionSecret(secret), csrfTokenOf(secret)]
  assert.deepEqual([hash, token], [hashSessionSecret(secret), csrfTokenOf(secret)])
  assert.notEqual(hash, token)
  for (const made of [hash, token]) assert.ok(!made.includes(secret.slice(4, 12)))
})

test('only its own CSRF token is one, whole', () => {
  const [secret, other] = [newSessionSecret(systemRandom), newSessionSecret(systemRandom)]
  const token = csrfTokenOf(secret)
  assert.equal(isCsrfTokenOf(secret, token), true)
  for (const shown of [csrfTokenOf(other), hashSessionSecret(secret), '', token.slice(1), `${token}A`, 'é'])
    assert.equal(isCsrfTokenOf(secret, shown), false, shown)
})

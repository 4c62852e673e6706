import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../ground/random.ts'
import { hashSessionSecret, newSessionSecret } from '../tokens/session-secret.ts'
import { createKnownSecrets } from './known-secrets.ts'

const newHash = () => hashSessionSecret(newSessionSecret(systemRandom))

test('what was added is known, until so many others came that it makes room', () => {
  const known = createKnownSecrets(3)
  const [first, ...others] = [newHash(), newHash(), newHash(), newHash()]
  known.add(first)
  known.add(first)
  for (const hash of others.slice(0, 2)) known.add(hash)
  for (const hash of [first, ...others.slice(0, 2)]) assert.equal(known.has(hash), true)
  known.add(others[2] ?? first)
  assert.equal(known.has(first), false)
  for (const hash of others) assert.equal(known.has(hash), true)
  assert.equal(known.has(newHash()), false)
})

test('what is in use stays, however many others come', () => {
  const known = createKnownSecrets(2)
  const inUse = newHash()
  for (let n = 0; n < 100; n++) {
    known.add(inUse)
    known.add(newHash())
    assert.equal(known.has(inUse), true)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from 'gatewright/random'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'

const secret = Buffer.alloc(32, 7).toString('base64url')
const secrets = createSecrets([secret], systemRandom)
const plain = Buffer.from('a private key')
const sealed = secrets.seal('signing-key', 'row 1', plain, secrets.newestId)

test('a sealed value of which one bit is another is not opened, wherever the bit stands', () => {
  assert.deepEqual(secrets.open('signing-key', 'row 1', sealed), plain)
  const [id = '', text = ''] = sealed.split('.')
  const bytes = Buffer.from(text, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    assert.throws(() => secrets.open('signing-key', 'row 1', `${id}.${changed.toString('base64url')}`))
  }
})

test('a sealed value that was cut off, to its tag and less, is not opened', () => {
  const [id = '', text = ''] = sealed.split('.')
  const bytes = Buffer.from(text, 'base64url')
  for (let length = 0; length < bytes.length; length += 1)
    assert.throws(() =>
      secrets.open('signing-key', 'row 1', `${id}.${bytes.subarray(0, length).toString('base64url')}`),
    )
})

test('a value sealed for one row or purpose is not opened for another', () => {
  assert.throws(() => secrets.open('signing-key', 'row 2', sealed))
  assert.throws(() => secrets.open('refresh-token', 'row 1', sealed))
})

test('what fails to open tells nothing of the value, and each fault tells the same', () => {
  const messages = [1, 20, -1].map(at => {
    const [id = '', text = ''] = sealed.split('.')
    const bytes = Buffer.from(text, 'base64url')
    bytes.writeUInt8(bytes.readUInt8(at < 0 ? bytes.length - 1 : at) ^ 1, at < 0 ? bytes.length - 1 : at)
    try {
      secrets.open('signing-key', 'row 1', `${id}.${bytes.toString('base64url')}`)
      return 'opened'
    } catch (error) {
      return String(error)
    }
  })
  assert.equal(new Set(messages).size, 1)
  assert.doesNotMatch(messages[0] ?? '', /opened|private/)
})

test('one value sealed ten thousand times has ten thousand nonces', () => {
  const nonces = Array.from({ length: 10_000 }, () =>
    Buffer.from(
      secrets.seal('signing-key', 'row 1', plain, secrets.newestId).split('.')[1] ?? '',
      'base64url',
    )
      .subarray(0, 12)
      .toString('hex'),
  )
  assert.equal(new Set(nonces).size, 10_000)
})

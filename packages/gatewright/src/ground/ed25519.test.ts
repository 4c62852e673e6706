import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSignedBy, openSigner } from './ed25519.ts'

// RFC 8032, section 7.1, test 1: an empty text.
const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
const publicKey = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex')
const signature = Buffer.from(
  'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  'hex',
)

test('a text is signed as RFC 8032 has it, and the signature is that of no other text and no other key', () => {
  const signer = openSigner(seed)
  assert.equal(signer.publicKey, publicKey.toString('base64url'))
  assert.equal(signer.sign(''), signature.toString('base64url'))
  assert.equal(isSignedBy(signer.publicKey, '', signer.sign('')), true)
  assert.equal(isSignedBy(signer.publicKey, 'x', signer.sign('')), false)
  assert.equal(isSignedBy(openSigner(Buffer.alloc(32, 1)).publicKey, '', signer.sign('')), false)
})

test('what is no key, or no signature, is a no', () => {
  const { publicKey: key, sign } = openSigner(seed)
  for (const other of ['', 'AA', `${key}=`, `${key}A`]) assert.equal(isSignedBy(other, '', sign('')), false)
  for (const other of ['', 'AA', `${sign('')}=`, `${sign('')}AA`])
    assert.equal(isSignedBy(key, '', other), false)
})

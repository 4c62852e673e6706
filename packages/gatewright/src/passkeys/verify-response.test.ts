import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toBase64url } from '../ground/encoding.ts'
import { newSecret, systemRandom } from '../ground/random.ts'
import type { PasskeyRow } from '../storage/tables.ts'
import { encodeCbor } from '../testing/encode-cbor.ts'
import { makeVirtualPasskey, type PasskeyTraits, type Untruth } from '../testing/virtual-passkey.ts'
import { toCreationOptions, toRequestOptions } from './options.ts'
import { relyingPartyOf } from './relying-party.ts'
import { verifyAssertion, verifyRegistration } from './verify-response.ts'

const publicUrl = 'https://blog.example'
const party = relyingPartyOf({ publicUrl, settings: { appName: 'Blog' } })
const userHandle = toBase64url(systemRandom.bytes(64))

const makeOptions = () =>
  toCreationOptions(party, { challenge: newSecret(systemRandom), userHandle, username: 'ann', known: [] })

const register = async (traits: PasskeyTraits = {}) => {
  const passkey = makeVirtualPasskey(publicUrl, traits)
  const options = makeOptions()
  const { challenge } = options
  const made = await verifyRegistration({ party, challenge }, passkey.create(options))
  if (typeof made === 'string') throw new TypeError(made)
  const row: PasskeyRow = {
    ...made,
    id: 'id',
    user_id: 'ann',
    user_handle: userHandle,
    name: '',
    created_at: 0,
    last_used_at: null,
    cloned_at: null,
  }
  return { passkey, row }
}

const ask = () => toRequestOptions(party, { challenge: newSecret(systemRandom) })

for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const)
  test(`a passkey with a key of ${algorithm} is registered, and its signature taken`, async () => {
    const { passkey, row } = await register({ algorithm })
    const options = ask()
    const used = await verifyAssertion({ party, challenge: options.challenge }, passkey.get(options), {
      passkey: row,
      isUserKnown: false,
    })
    assert.deepEqual(used, { counter: 1, backed_up: 0 })
  })

const untruths: Readonly<Record<string, readonly [Untruth, fault: string]>> = {
  'made for the other ceremony': [{ type: 'webauthn.other' }, 'passkey_type'],
  'made for another challenge': [{ challenge: newSecret(systemRandom) }, 'passkey_challenge'],
  'of a page of another origin (phishing)': [
    { origin: 'https://blog.example.evil.example' },
    'passkey_origin',
  ],
  'of a page of a host below': [{ origin: 'https://evil.blog.example' }, 'passkey_origin'],
  'of a page over plain HTTP': [{ origin: 'http://blog.example' }, 'passkey_origin'],
  'of a page at another port': [{ origin: 'https://blog.example:8443' }, 'passkey_origin'],
  'of a page inside another site’s frame': [{ crossOrigin: true }, 'passkey_frame'],
  'that names a page around': [{ crossOrigin: true, topOrigin: publicUrl }, 'passkey_frame'],
  'for another relying party': [{ rpId: 'evil.example' }, 'passkey_relying_party'],
  'without anybody there': [{ without: 1 }, 'passkey_user_not_verified'],
  'without its user verified': [{ without: 4 }, 'passkey_user_not_verified'],
}

describe('a registration is refused', () => {
  for (const [which, [untruth, fault]] of Object.entries(untruths))
    test(which, async () => {
      const options = makeOptions()
      const response = makeVirtualPasskey(publicUrl).create(options, untruth)
      assert.equal(await verifyRegistration({ party, challenge: options.challenge }, response), fault)
    })

  const attested = (fmt: string, statement: ReadonlyMap<string, unknown>) => {
    const options = makeOptions()
    const made = makeVirtualPasskey(publicUrl).create(options)
    const plain = Buffer.from(made.response.attestationObject, 'base64url')
    const authData = plain.subarray(plain.indexOf('authData') + 10)
    const attestation = new Map<string, unknown>([
      ['fmt', fmt],
      ['attStmt', statement],
      ['authData', authData],
    ])
    const attestationObject = toBase64url(encodeCbor(attestation))
    const response = { ...made, response: { ...made.response, attestationObject } }
    return verifyRegistration({ party, challenge: options.challenge }, response)
  }
  for (const fmt of ['tpm', 'apple', 'fido-u2f', 'android-key', 'android-safetynet', 'packed'])
    test(`with a certificate, as ${fmt}: the server would ask what it names (request forgery)`, async () => {
      const statement = new Map([['x5c', Buffer.from('certificate')]])
      assert.equal(await attested(fmt, statement), 'passkey_attestation')
    })

  test('that is no attestation at all', async () => {
    const options = makeOptions()
    const made = makeVirtualPasskey(publicUrl).create(options)
    const response = { ...made, response: { ...made.response, attestationObject: 'AAAA' } }
    const asked = { party, challenge: options.challenge }
    assert.equal(await verifyRegistration(asked, response), 'passkey_attestation')
  })

  test('that names another credential than it holds', async () => {
    const options = makeOptions()
    const response = { ...makeVirtualPasskey(publicUrl).create(options), id: 'AAAA', rawId: 'AAAA' }
    const verified = await verifyRegistration({ party, challenge: options.challenge }, response)
    assert.equal(verified, 'passkey_signature')
  })
})

describe('an assertion is refused', () => {
  const refusals: typeof untruths = {
    ...untruths,
    'made at the registration': [{ type: 'webauthn.create' }, 'passkey_type'],
    'for another user': [{ userHandle: toBase64url(systemRandom.bytes(64)) }, 'passkey_user_handle'],
    'without a user, where none was asked for': [{ userHandle: null }, 'passkey_user_handle'],
    'of one that was on one device and is on several': [{ isSynced: true }, 'passkey_backup_changed'],
  }
  for (const [which, [untruth, fault]] of Object.entries(refusals))
    test(which, async () => {
      const { passkey, row } = await register()
      const options = ask()
      const asked = { party, challenge: options.challenge }
      const shown = { passkey: row, isUserKnown: false }
      assert.equal(await verifyAssertion(asked, passkey.get(options, untruth), shown), fault)
    })

  test('signed by another key', async () => {
    const { row } = await register()
    const { passkey: forger } = await register()
    const options = ask()
    const answer = { ...forger.get(options), id: row.credential_id, rawId: row.credential_id }
    const shown = { passkey: row, isUserKnown: false }
    assert.equal(
      await verifyAssertion({ party, challenge: options.challenge }, answer, shown),
      'passkey_signature',
    )
  })

  test('with a counter that nobody signed', async () => {
    const { passkey, row } = await register()
    const options = ask()
    const answer = passkey.get(options)
    const forged = passkey.get(options, { counter: 0 }).response.authenticatorData
    const response = { ...answer, response: { ...answer.response, authenticatorData: forged } }
    const shown = { passkey: row, isUserKnown: false }
    assert.equal(
      await verifyAssertion({ party, challenge: options.challenge }, response, shown),
      'passkey_signature',
    )
  })
})

test('a user who is known need not be named', async () => {
  const { passkey, row } = await register()
  const options = ask()
  const asked = { party, challenge: options.challenge }
  const answer = passkey.get(options, { userHandle: null })
  const used = await verifyAssertion(asked, answer, { passkey: row, isUserKnown: true })
  assert.deepEqual(used, { counter: 1, backed_up: 0 })
})

describe('passkeys are made for names', () => {
  for (const address of ['http://127.0.0.1:3000', 'http://[::1]:3000', 'https://192.0.2.7'])
    test(`${address} is told what to write`, () => {
      assert.throws(
        () => relyingPartyOf({ publicUrl: address, settings: { appName: 'Blog' } }),
        (error: Error & { code?: string }) =>
          error.code === 'conflict' && error.message.includes('PUBLIC_URL'),
      )
    })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checksum } from '../ground/encoding.ts'
import { newId, newSecret, systemRandom } from '../ground/random.ts'
import { createSecrets } from '../ground/secrets.ts'
import { hasGoodMac, makeRefreshToken, parseRefreshToken, type RefreshToken } from './refresh-token.ts'

const [older, newer, foreign] = [newSecret(systemRandom), newSecret(systemRandom), newSecret(systemRandom)]
const secrets = createSecrets([newer, older], systemRandom)
const session = { id: newId(systemRandom), refresh_key: newSecret(systemRandom) }
const good = makeRefreshToken(secrets, session, 7)

const parse = (text: string): RefreshToken => {
  const token = parseRefreshToken(text)
  assert.ok(token)
  return token
}

const toBytes = (text: string): Buffer => Buffer.from(text.slice('gwr_'.length), 'base64url')

/** The token with some bytes changed and a checksum that fits again, as a forger would write it. */
const forge = (change: (bytes: Buffer) => void, text = good): string => {
  const bytes = toBytes(text).subarray(0, -4)
  change(bytes)
  return `gwr_${Buffer.concat([bytes, checksum(bytes)]).toString('base64url')}`
}

test('a token names its session and generation, and is made the same again each time', () => {
  const token = parse(good)
  assert.equal(token.sessionId, session.id)
  assert.equal(token.generation, 7)
  assert.equal(token.secretId, secrets.newestId)
  assert.ok(hasGoodMac(secrets, session, token))
  assert.equal(makeRefreshToken(secrets, session, 7), good)
})

test('a token tells neither the secret nor the random value of its session', () => {
  const bytes = toBytes(good).toString('hex')
  for (const hidden of [newer, older, session.refresh_key])
    assert.ok(!bytes.includes(Buffer.from(hidden, 'base64url').toString('hex')))
})

describe('what is not a token is told before any look-up', () => {
  const last = good.slice(-1)
  const rows: Record<string, string> = {
    'nothing at all': '',
    'the prefix alone': 'gwr_',
    'no prefix': good.slice(4),
    'the prefix of another secret': good.replace('gwr_', 'gwk_'),
    'the prefix in capitals': good.replace('gwr_', 'GWR_'),
    'one character short': good.slice(0, -1),
    'one character more': `${good}A`,
    'four characters more': `${good}AAAA`,
    'twice the token': good + good.slice(4),
    padding: `${good}====`,
    'a space before it': ` ${good}`,
    'a newline after it': `${good}\n`,
    'the other alphabet of base64': `gwr_${'+/'.repeat(40)}`,
    'characters outside base64url': `${good.slice(0, -1)}*`,
    'letters that only look alike': `${good.slice(0, -1)}${last === 'А' ? 'В' : 'А'}`,
    'a token of zeros': `gwr_${'A'.repeat(80)}`,
    'the checksum of something else': forge(() => {}).slice(0, -6) + 'A'.repeat(6),
  }
  for (const [name, text] of Object.entries(rows))
    test(name, () => assert.equal(parseRefreshToken(text), undefined))

  test('one mistyped character, wherever it stands', () => {
    for (let at = 4; at < good.length; at++) {
      const wrong = good[at] === 'A' ? 'B' : 'A'
      assert.equal(parseRefreshToken(good.slice(0, at) + wrong + good.slice(at + 1)), undefined, `at ${at}`)
    }
  })
})

describe('a forged token has no good MAC', () => {
  const secretIdAt = 0
  const sessionIdAt = 4
  const generationAt = 20
  const macAt = 24
  const rows: Record<string, (bytes: Buffer) => void> = {
    'the generation counted up': bytes => bytes.writeUInt32BE(8, generationAt),
    'the generation counted down': bytes => bytes.writeUInt32BE(6, generationAt),
    'another session': bytes => bytes.writeUInt8(bytes.readUInt8(sessionIdAt) ^ 1, sessionIdAt),
    'a secret that nobody holds': bytes => bytes.writeUInt8(bytes.readUInt8(secretIdAt) ^ 1, secretIdAt),
    'the id of our other secret': bytes =>
      Buffer.from(secrets.ids[1] ?? '', 'base64url').copy(bytes, secretIdAt),
    'the first bit of the MAC turned': bytes => bytes.writeUInt8(bytes.readUInt8(macAt) ^ 0x80, macAt),
    'the last bit of the MAC turned': bytes => bytes.writeUInt8(bytes.readUInt8(macAt + 31) ^ 1, macAt + 31),
    'a MAC of zeros': bytes => bytes.fill(0, macAt),
  }
  for (const [name, change] of Object.entries(rows))
    test(name, () => assert.ok(!hasGoodMac(secrets, session, parse(forge(change)))))
})

describe('the MAC rests on both halves of the knowledge', () => {
  test('the secret alone makes no token: another random value of the session refuses it', () => {
    const changed = { ...session, refresh_key: newSecret(systemRandom) }
    assert.ok(!hasGoodMac(secrets, changed, parse(good)))
    assert.ok(!hasGoodMac(secrets, session, parse(makeRefreshToken(secrets, changed, 7))))
  })

  test('the database alone makes no token: another secret refuses it', () => {
    const theirs = createSecrets([foreign], systemRandom)
    assert.ok(!hasGoodMac(theirs, session, parse(good)))
    assert.ok(!hasGoodMac(secrets, session, parse(makeRefreshToken(theirs, session, 7))))
  })

  test('a token of one session is none of another', () => {
    const other = { id: newId(systemRandom), refresh_key: newSecret(systemRandom) }
    assert.ok(!hasGoodMac(secrets, other, parse(good)))
  })
})

test('a token made under the older secret is good while that one is listed, and not after', () => {
  const token = parse(makeRefreshToken(createSecrets([older], systemRandom), session, 7))
  assert.ok(hasGoodMac(secrets, session, token))
  assert.ok(!hasGoodMac(createSecrets([newer], systemRandom), session, token))
})

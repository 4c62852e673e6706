import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { second } from '../ground/clock.ts'
import { systemRandom } from '../ground/random.ts'
import { codeOf, matchCode, newTotpSecret, stepAt, toProvisioning } from './totp.ts'

/** The secret of RFC 4226 appendix D and RFC 6238 appendix B. */
const secret = Buffer.from('12345678901234567890')

test('codes are those of RFC 4226, appendix D', () => {
  const codes = Array.from({ length: 10 }, (_, counter) => codeOf(secret, counter))
  const first = ['755224', '287082', '359152', '969429', '338314']
  assert.deepEqual(codes, [...first, '254676', '287922', '162583', '399871', '520489'])
})

describe('codes are those of RFC 6238, appendix B, by their last six digits', () => {
  for (const [seconds, code] of [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ] as const)
    test(`at ${seconds} seconds`, () => {
      assert.equal(codeOf(secret, stepAt(seconds * second)), code.slice(2))
    })
})

describe('a code', () => {
  const now = 1_111_111_111 * second
  const present = stepAt(now)
  const match = (typed: string, lastStep = 0) => matchCode(secret, typed, { now, lastStep })

  for (const [which, away] of [
    ['of the present step', 0],
    ['of the step before', -1],
    ['of the step after', 1],
  ] as const)
    test(`${which} is right`, () => {
      assert.deepEqual(match(codeOf(secret, present + away)), { step: present + away })
    })

  for (const away of [-2, 2, -10, 10])
    test(`of ${Math.abs(away)} steps ${away < 0 ? 'ago' : 'ahead'} is wrong`, () => {
      assert.equal(match(codeOf(secret, present + away)), 'wrong')
    })

  test('of the last step taken, or of one before it, is a replay', () => {
    assert.equal(match(codeOf(secret, present), present), 'replayed')
    assert.equal(match(codeOf(secret, present - 1), present), 'replayed')
    assert.deepEqual(match(codeOf(secret, present + 1), present), { step: present + 1 })
  })

  test('is read as people type it, in groups', () => {
    const code = codeOf(secret, present)
    assert.deepEqual(match(` ${code.slice(0, 3)} ${code.slice(3)}`), { step: present })
    assert.deepEqual(match(`${code.slice(0, 3)}-${code.slice(3)}`), { step: present })
  })

  for (const typed of [
    '',
    ' ',
    '0',
    codeOf(secret, present).slice(1),
    `${codeOf(secret, present)}0`,
    '١٢٣٤٥٦',
  ])
    test(`is not ${JSON.stringify(typed)}`, () => {
      assert.equal(match(typed), 'wrong')
    })
})

test('a secret has 160 random bits, and is never the same twice', () => {
  const made = Array.from({ length: 1_000 }, () => newTotpSecret(systemRandom))
  assert.ok(made.every(({ length }) => length === 20))
  assert.equal(new Set(made.map(bytes => Buffer.from(bytes).toString('hex'))).size, 1_000)
})

test('authenticator apps are told the secret, whose it is and how codes are made', () => {
  const { secret: text, uri } = toProvisioning(secret, { issuer: 'Anna & Söhne', label: 'jörg?x=1' })
  assert.equal(text, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
  const { protocol, host, pathname, searchParams } = new URL(uri)
  assert.deepEqual([protocol, host], ['otpauth:', 'totp'])
  assert.equal(decodeURIComponent(pathname), '/Anna & Söhne:jörg?x=1')
  assert.deepEqual(Object.fromEntries(searchParams), {
    issuer: 'Anna & Söhne',
    secret: text,
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  })
})

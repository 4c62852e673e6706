import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startTestApp } from '../../../../test/harness.ts'
import { readDocument } from '../../../../test/markdown.ts'
import { hour } from '../ground/clock.ts'
import { newId } from '../ground/random.ts'
import type { Settings } from '../ground/settings.ts'

/**
 * What a token of three roles takes at most, in bytes: the contract's 700 where the signature has 64 bytes. An
 * RSA key of 3,072 bits signs with 384, and HMAC with 32; base64url makes four of each three.
 */
const bounds = {
  ES256: 700,
  EdDSA: 700,
  RS256: 1_126,
  HS256_EVERY_VERIFIER_CAN_FORGE: 657,
} as const satisfies Record<Settings['tokenAlgorithm'], number>

const rows = {
  'a long address, built-in roles': {
    publicUrl: 'https://api.a-rather-long-name.of-a-department.organisation.example',
    roles: ['admin', 'moderator', 'user'],
  },
  'a usual address and usual roles': {
    publicUrl: 'https://api.shop.example',
    roles: ['content-editor', 'billing-manager', 'support-agent'],
  },
  'a short address, roles as long as they may be': {
    publicUrl: 'https://api.example.org',
    roles: ['a', 'b', 'c'].map(letter => letter.repeat(32)),
  },
} as const

const algorithms = Object.keys(bounds) as (keyof typeof bounds)[]

for (const tokenAlgorithm of algorithms)
  describe(`an access token of three roles, signed by ${tokenAlgorithm}`, () => {
    for (const [name, { publicUrl, roles }] of Object.entries(rows))
      test(`has at most ${bounds[tokenAlgorithm]} bytes: ${name}`, async t => {
        const { engine, clock, close } = await startTestApp({ tokenAlgorithm, publicUrl })
        t.after(close)
        const sign = await engine.accessTokens.getSign()
        const text = await sign({
          userId: newId(engine.random),
          sessionId: newId(engine.random),
          userVersion: 4_294_967_295,
          expiresAt: clock.now() + hour,
          authTime: clock.now(),
          amr: ['pwd'],
          roles,
        })
        assert.ok(text.length <= bounds[tokenAlgorithm], `${text.length} bytes`)
        t.diagnostic(`${text.length} bytes`)
      })
  })

test('docs/contract-additions.md says how large they are', () => {
  const document = readDocument('docs/contract-additions.md')
  for (const [name, bytes] of Object.entries(bounds))
    assert.ok(document.includes(`${bytes.toLocaleString('en')} with \`${name}\``), name)
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { forgeries } from '../attacks/forged-tokens.ts'
import { createForger, type Forger } from '../attacks/forger.ts'
import { type Caller, signUp } from '../harness.ts'
import { until } from '../process/until.ts'
import { type Listening, openFor, startListening } from './listening.ts'
import { judge } from './scripted-issuer.ts'

let t: Listening
let verifier: ReturnType<typeof openFor>
let caller: Caller
let forger: Forger
before(async () => {
  t = await startListening()
  verifier = openFor(t.issuer, t)
  caller = await signUp(t, 'alice')
  forger = await createForger(t, caller.access)
  await until('the list was read', () => verifier.age() < 5_000)
})
after(async () => {
  verifier.close()
  await t.close()
})

test('the forger of these tests signs as Gatewright does, and its good token is let in', async () => {
  assert.equal(await judge(verifier, await forger.ours()), '200')
  assert.equal(await judge(verifier, `Bearer ${caller.access}`), '200')
})

describe('a forged token is refused by a verifier elsewhere as by Gatewright itself', () => {
  for (const [name, [, forge]] of forgeries.flatMap(table => Object.entries(table)))
    test(name, async () => {
      assert.match(await judge(verifier, await forge(forger)), /^invalid_token token_/)
    })
})

test('a statement of the feed is no access token, nor is anything that is not one', async () => {
  const { body } = await t.call('GET', `revocations?nonce=${'A'.repeat(22)}`)
  const others = [
    body.statement,
    caller.refresh,
    `gwk_${'A'.repeat(60)}`,
    'Basic YTpi',
    'bearer',
    'Bearer  ',
    '..',
    'null',
  ]
  for (const text of others) assert.match(await judge(verifier, text), /^invalid_token/, text)
})

test('a token of more than 8 KiB, of which everything else is right, is refused', async () => {
  const token = await forger.ours({}, { roles: ['x'.repeat(8_192)] })
  assert.equal(await judge(verifier, token), 'invalid_token token_too_long')
})

test('a token for another audience, which is good there, is refused here', async () => {
  const other = openFor(t.issuer, { ...t, audience: 'https://other.example' })
  try {
    assert.equal(await judge(other, caller.access), 'invalid_token token_audience')
  } finally {
    other.close()
  }
})

describe('without a token', () => {
  for (const nothing of [undefined, null, ''])
    test(`(${JSON.stringify(nothing)}) the answer names no error`, async () => {
      await assert.rejects(verifier.verify(nothing), {
        code: 'invalid_token',
        headers: { 'cache-control': 'no-store', 'www-authenticate': 'Bearer' },
      })
    })
})

test('what was remembered of a token says nothing of its time: it expires', async () => {
  const own = await signUp(t, 'bob')
  assert.equal(await judge(verifier, own.access), '200')
  t.clock.advance(10 * 60_000)
  await until('it is fresh', () => verifier.age() < 5_000)
  assert.equal(await judge(verifier, own.access), 'token_expired token_expired')
})

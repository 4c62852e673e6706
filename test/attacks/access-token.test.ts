import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newId } from 'gatewright/random'
import { type Caller, startTestApp, type TestApp } from '../harness.ts'
import { makeOwner, sessionIdOf } from '../senders.ts'
import { type Attack, forgeries } from './forged-tokens.ts'
import { createForger, type Forger, swapClaims } from './forger.ts'
import { assertRefused } from './refused-token.ts'

let t: TestApp
let alice: Caller
let bob: Caller
let forger: Forger
before(async () => {
  t = await startTestApp()
  alice = await makeOwner(t)
  bob = await makeOwner(t)
  forger = await createForger(t, alice.access)
})
after(() => t.close())

const stolenParts: Readonly<Record<string, Attack>> = {
  'the claims of another token of ours': [
    'token_signature',
    ({ good }) => {
      const [head, , signature] = good.split('.')
      return [head, bob.access.split('.')[1], signature].join('.')
    },
  ],
  'the signature of another token of ours': [
    'token_signature',
    ({ good }) => [...good.split('.').slice(0, 2), bob.access.split('.')[2]].join('.'),
  ],
  'sub changed to another user': [
    'token_signature',
    ({ good, claims }) => swapClaims(good, { ...claims, sub: bob.id }),
  ],
  'roles changed to admin': [
    'token_signature',
    ({ good, claims }) => swapClaims(good, { ...claims, roles: ['admin'] }),
  ],
  'exp moved away': [
    'token_signature',
    ({ good, claims }) => swapClaims(good, { ...claims, exp: Number(claims.exp) + 3_600 }),
  ],
  'sid changed to another session': [
    'token_signature',
    ({ good, claims }) => swapClaims(good, { ...claims, sid: `${sessionIdOf(bob.access)}.1` }),
  ],
}

const groups = [...forgeries, stolenParts]

for (const [threat, [reason, forge]] of groups.flatMap(group => Object.entries(group)))
  test(`forged access token: ${threat} is refused, and told no more than any other`, async () => {
    await assertRefused(t, await forge(forger), reason)
  })

test('the forger of these tests makes good tokens where nothing is forged', async () => {
  for (const token of [await forger.ours(), await forger.oursExactly(forger.header, forger.claims)]) {
    const answer = await t.call('GET', 'me', { token })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.body.id, alice.id)
  }
})

test('a token of a user or session that was never there opens nothing', async () => {
  const nobody = await forger.ours({}, { sub: newId(t.engine.random) })
  const answer = await t.call('GET', 'me', { token: nobody })
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
})

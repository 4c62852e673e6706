import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { hour, minute } from 'gatewright/clock'
import { newSessionSecret } from '../../packages/gatewright/src/tokens/session-secret.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  ann = await signUp(t, 'ann')
})
after(() => t.close())

/** Whole in form, signed by nobody. */
const garbage = (): string =>
  `${ann.access.slice(0, -20)}${Buffer.from(Math.random().toString()).toString('base64url').slice(0, 20)}`

const show = (token: string, address: string) => t.call('GET', 'me', { token, address })

const useUp = async (address: string): Promise<void> => {
  for (let n = 0; n < 120; n += 1) assert.equal((await show(garbage(), address)).status, 401)
}

test('flood of garbage tokens: after 120 an address is refused before a signature is checked', async () => {
  const address = '198.51.100.1'
  await useUp(address)
  const { status, headers, body } = await show(garbage(), address)
  assert.deepEqual([status, body.code, headers['retry-after']], [429, 'rate_limited', '1'])
  assert.match(String(headers.ratelimit), /"refused-credential-address";r=0/)
  // What is good is refused as well where nobody has looked at it yet: looking is what the flood is after.
  const fresh = await signUp(t, 'fresh')
  assert.equal((await show(fresh.access, address)).status, 429)
  assert.equal((await show(fresh.access, '198.51.100.2')).status, 200)
  assert.equal((await show(fresh.access, address)).status, 200)
})

test('flood of garbage from the same address: a token that was seen before goes on', async () => {
  const address = '198.51.100.3'
  assert.equal((await show(ann.access, address)).status, 200)
  await useUp(address)
  assert.equal((await show(garbage(), address)).status, 429)
  for (let n = 0; n < 10; n += 1) assert.equal((await show(ann.access, address)).status, 200)
  t.clock.advance(minute)
  assert.equal((await show(garbage(), address)).status, 401)
})

test('flood of made-up cookies counts together with garbage tokens', async () => {
  const address = '198.51.100.4'
  const cookie = () => ({ cookie: `gw_session=${newSessionSecret(t.engine.random)}` })
  for (let n = 0; n < 60; n += 1) {
    assert.equal((await show(garbage(), address)).status, 401)
    assert.equal((await t.call('GET', 'me', { headers: cookie(), address })).status, 401)
  }
  assert.equal((await show(garbage(), address)).status, 429)
  assert.equal((await t.call('GET', 'me', { headers: cookie(), address })).status, 429)
})

test('a token of ours that is over is no guess, however often it is shown', async () => {
  const address = '198.51.100.5'
  const late = await signUp(t, 'late')
  t.clock.advance(hour)
  for (let n = 0; n < 130; n += 1) assert.equal((await show(late.access, address)).body.code, 'token_expired')
  assert.equal((await show(garbage(), address)).status, 401)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { day, hour, minute } from 'gatewright/clock'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { giveAddress } from '../mail/given-link.ts'
import { linkTo } from '../mail/person.ts'
import { keepHashesCheap } from '../models/cheap-passwords.ts'
import { givePasskey } from '../passkeys/registered.ts'
import { show } from '../sessions/browser.ts'
import { enrolWithCodes, halfIn, nextCode } from './enrolled.ts'

let t: TestApp
let users = 0
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  keepHashesCheap(t.engine.hasher)
})
after(() => t.close())

const showCode = async (user: Caller, code: string, cookie?: string) => {
  const body = { mfa_token: await halfIn(t.engine, user.id), method: 'totp', code }
  return t.call('POST', 'login/mfa', { body, ...(cookie !== undefined && { headers: { cookie } }) })
}

/** A user with an authenticator app, at whom somebody who knows the password has guessed as often as is free. */
const guessedAt = async (hasAddress: boolean): Promise<Caller & { readonly email: string }> => {
  // What its address may get wrong in an hour is another thing.
  t.clock.advance(hour)
  const user = await signUp(t, `guessed-${++users}`)
  const email = `guessed-${users}@example.org`
  if (hasAddress) await giveAddress(t.engine, user.id, email)
  await enrolWithCodes(t.engine, user.id)
  for (let n = 0; n < 10; n++) assert.equal(show(await showCode(user, 'AAAAAA')), '401 invalid_mfa_code')
  return { ...user, email }
}

test('brute force of codes: past ten wrong ones a device that is not known waits in vain, also with the right one', async () => {
  const user = await guessedAt(true)
  for (const wait of [16 * minute, 4 * hour, 3 * day]) {
    t.clock.advance(wait)
    assert.equal(show(await showCode(user, await nextCode(t.engine, user.id))), '401 invalid_mfa_code')
  }
})

test('the owner proves the address by the link of a mail, and gets in with that browser; that lifts it for all', async () => {
  const user = await guessedAt(true)
  await showCode(user, 'AAAAAA')
  const token = await linkTo(t, user.email, 'prove')
  const proved = await t.call('POST', 'sign-in/prove', { body: { token } })
  const cookie = String([proved.headers['set-cookie']].flat()[0]).split(';')[0]
  assert.equal(show(await showCode(user, await nextCode(t.engine, user.id), cookie)), '200')
  t.clock.advance(minute)
  assert.equal(show(await showCode(user, await nextCode(t.engine, user.id))), '200')
})

test('a passkey is held by nobody’s guesses at codes', async () => {
  const user = await guessedAt(true)
  const passkey = await givePasskey(t.engine, user.id)
  await showCode(user, 'AAAAAA')
  const mfa_token = await halfIn(t.engine, user.id)
  const { body: options } = await t.call('POST', 'login/mfa/options', { body: { mfa_token } })
  const body = { mfa_token, method: 'passkey', response: passkey.get(options) }
  assert.equal(show(await t.call('POST', 'login/mfa', { body })), '200')
})

test('whoever has neither an address nor a passkey has the growing delay instead', async () => {
  const user = await guessedAt(false)
  assert.equal(show(await showCode(user, await nextCode(t.engine, user.id))), '401 invalid_mfa_code')
  t.clock.advance(16 * minute)
  assert.equal(show(await showCode(user, await nextCode(t.engine, user.id))), '200')
})

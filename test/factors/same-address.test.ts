import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { second } from 'gatewright/clock'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { keepHashesCheap } from '../models/cheap-passwords.ts'
import { givePasskey } from '../passkeys/registered.ts'
import { show } from '../sessions/browser.ts'
import { enrolWithCodes, halfIn, nextCode } from './enrolled.ts'

let t: TestApp
let ann: Caller
/** The cookie by which her browser is known. */
let cookie: string
/** Of one that a thief of the password made before there was a factor. */
let former: string
const knownBy = async (answer: Promise<Answer>): Promise<string> =>
  String([(await answer).headers['set-cookie']].flat()[0]).split(';')[0] ?? ''
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  keepHashesCheap(t.engine.hasher)
  ann = await signUp(t, 'ann')
  former = await knownBy(t.call('POST', 'login', { body: { username: 'ann', password } }))
  t.clock.advance(second)
  await enrolWithCodes(t.engine, ann.id)
  cookie = await knownBy(showApp({}))
  // Somebody at the same address uses up what it may get wrong in an hour.
  let told = ''
  for (let n = 0; told !== '429 rate_limited'; n++) {
    t.clock.advance(13 * second)
    told = show(await t.call('POST', 'login', { body: { username: `nobody-${n}`, password } }))
  }
})
after(() => t.close())

const showApp = async (headers: Readonly<Record<string, string>>) => {
  const body = {
    mfa_token: await halfIn(t.engine, ann.id),
    method: 'totp',
    code: await nextCode(t.engine, ann.id),
  }
  return t.call('POST', 'login/mfa', { body, headers })
}

test('strangers behind the same address keep no known device from the second half', async () => {
  const answer = await showApp({ cookie })
  assert.equal(answer.status, 200, answer.text)
})

test('nor a passkey', async () => {
  const passkey = await givePasskey(t.engine, ann.id)
  const mfa_token = await halfIn(t.engine, ann.id)
  const { body: options } = await t.call('POST', 'login/mfa/options', { body: { mfa_token } })
  const body = { mfa_token, method: 'passkey', response: passkey.get(options) }
  const answer = await t.call('POST', 'login/mfa', { body })
  assert.equal(answer.status, 200, answer.text)
})

test('device multiplication: a browser from before the factor, or none, lets nobody guess further', async () => {
  for (const headers of [{}, { cookie: former }])
    assert.equal(show(await showApp(headers)), '429 rate_limited')
})

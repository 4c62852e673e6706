import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { codePurposes } from '../../packages/gatewright/src/codes/purposes.ts'
import type { RequestOptions } from '../../packages/gatewright/src/passkeys/options.ts'
import type { Untruth } from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'
import { givePasskey } from './registered.ts'

let t: TestApp
let second: SecondConnection
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})

type Holder = Pick<SignedIn, 'access'>

const newUser = async (traits = {}) => {
  const { id } = await addUser(t.engine, freshName())
  const ann = await signInAs(t.engine, id)
  return { ann, passkey: await givePasskey(t.engine, id, traits) }
}

const ask = async ({ access }: Holder): Promise<RequestOptions> => {
  const { status, body, text } = await t.call('POST', 'step-up/options', { token: access })
  assert.equal(status, 200, text)
  return body.passkey
}

const prove = ({ access }: Holder, response: unknown, body: object = {}): Promise<Answer> =>
  t.call('POST', 'step-up', { token: access, body: { response, ...body } })

const isRefused = (answer: Answer, reason: string, userId: string): void => {
  assert.equal(show(answer), '401 invalid_mfa_code')
  const row = second.row(
    "select user_id, reason from audit_events where event = 'second-factor.failed' order by id desc limit 1",
  )
  assert.deepEqual({ ...row }, { user_id: userId, reason })
}

describe('a step-up by passkey', () => {
  test('makes the sign-in fresh, and adds what the session had not proved', async () => {
    const { ann, passkey } = await newUser()
    t.clock.advance(5 * minute)
    const answer = await prove(ann, passkey.get(await ask(ann)))
    assert.equal(answer.status, 200, answer.text)
    const { amr, authTime } = await t.engine.accessTokens.verify(answer.body.access_token)
    assert.deepEqual([amr, authTime], [['pwd', 'pop', 'mfa'], t.clock.now()])
    assert.equal(show(await t.call('GET', 'me', { token: ann.access })), '401 session_ended')
  })

  test('chooses among the user’s own, with the name of the method or without', async () => {
    const { ann, passkey } = await newUser()
    const options = await ask(ann)
    assert.deepEqual(
      options.allowCredentials.map(({ id }) => id),
      [passkey.credentialId],
    )
    const answer = await prove(ann, passkey.get(options), { method: 'passkey' })
    assert.equal(answer.status, 200, answer.text)
  })

  test('is not offered to a user without one, nor where an IP address is no name', async context => {
    const { id } = await addUser(t.engine, freshName())
    assert.equal(await ask(await signInAs(t.engine, id)), undefined)
    const numbered = await startTestApp({ publicUrl: 'http://127.0.0.1:3000' })
    context.after(() => numbered.close())
    const user = await addUser(numbered.engine, freshName())
    const { access } = await signInAs(numbered.engine, user.id)
    // One that was made when the server still had a name.
    await numbered.engine.db
      .insertInto('passkeys')
      .values({
        id: 'former',
        user_id: user.id,
        credential_id: 'AAAA',
        user_handle: 'AAAA',
        public_key: 'AAAA',
        counter: 0,
        transports: '',
        backup_eligible: 0,
        backed_up: 0,
        aaguid: '',
        name: 'Laptop',
        created_at: 0,
        last_used_at: null,
        cloned_at: null,
      })
      .execute()
    const { body } = await numbered.call('POST', 'step-up/options', { token: access })
    assert.deepEqual(body, { methods: ['passkey'] })
  })
})

const forgeries: Readonly<Record<string, readonly [Untruth, reason: string]>> = {
  'made for another site (phishing)': [{ origin: 'https://evil.example' }, 'passkey_origin'],
  'for another relying party': [{ rpId: 'evil.example' }, 'passkey_relying_party'],
  'without its owner verified': [{ without: 4 }, 'passkey_user_not_verified'],
  'with a challenge that the caller made up': [{ challenge: 'A'.repeat(43) }, 'passkey_challenge'],
}

describe('a step-up by passkey is refused', () => {
  for (const [which, [untruth, reason]] of Object.entries(forgeries))
    test(which, async () => {
      const { ann, passkey } = await newUser()
      isRefused(await prove(ann, passkey.get(await ask(ann), untruth)), reason, ann.userId)
      assert.equal((await t.call('GET', 'me', { token: ann.access })).status, 200, 'the session goes on')
    })

  test('with the passkey of another user', async () => {
    const [{ ann }, mallory] = [await newUser(), await newUser()]
    isRefused(await prove(ann, mallory.passkey.get(await ask(ann))), 'passkey_of_another', ann.userId)
  })

  test('with the challenge of another session of the same user', async () => {
    const { ann, passkey } = await newUser()
    const other = await signInAs(t.engine, ann.userId)
    const response = passkey.get(await ask(other))
    isRefused(await prove(ann, response), 'passkey_challenge', ann.userId)
    assert.equal((await prove(other, response)).status, 200, 'it is still the other one’s')
  })

  test('with the challenge of a sign-in, and its own signs nobody in', async () => {
    const { ann, passkey } = await newUser()
    const { body } = await t.call('POST', 'login/passkey/options')
    isRefused(await prove(ann, passkey.get(body)), 'passkey_challenge', ann.userId)
    const response = passkey.get(await ask(ann))
    const signIn = await t.call('POST', 'login/passkey', { body: { response } })
    assert.equal(show(signIn), '401 invalid_credentials')
  })

  test('a second time, right or wrong', async () => {
    const { ann, passkey } = await newUser({ counts: false })
    const options = await ask(ann)
    await prove(ann, passkey.get(options, { origin: 'https://evil.example' }))
    isRefused(await prove(ann, passkey.get(options)), 'passkey_challenge', ann.userId)
  })

  test('past its time', async () => {
    const { ann, passkey } = await newUser()
    const options = await ask(ann)
    t.clock.advance(codePurposes['passkey-step-up'].lifetime)
    isRefused(await prove(ann, passkey.get(options)), 'passkey_challenge', ann.userId)
  })

  test('as a clone, which is marked', async () => {
    const { ann, passkey } = await newUser()
    const thief = passkey.clone()
    const { body } = await prove(ann, passkey.get(await ask(ann)))
    const now = { access: body.access_token }
    isRefused(await prove(now, thief.get(await ask(now))), 'passkey_cloned', ann.userId)
    assert.ok(second.row('select cloned_at from passkeys where id = ?', passkey.id)?.cloned_at)
    assert.equal(await ask(now), undefined, 'it is offered no more')
  })

  test('beside a password: one proof at a time', async () => {
    const { ann, passkey } = await newUser()
    const answer = await prove(ann, passkey.get(await ask(ann)), { password: 'something' })
    assert.equal(show(answer), '400 validation_failed')
  })
})

test('a race of ten with one challenge steps up once', async () => {
  const { ann, passkey } = await newUser({ counts: false })
  const response = passkey.get(await ask(ann))
  const answers = await Promise.all(Array.from({ length: 10 }, () => prove(ann, response)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { codePurposes } from '../../packages/gatewright/src/codes/purposes.ts'
import type { RequestOptions } from '../../packages/gatewright/src/passkeys/options.ts'
import type { Untruth } from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { type Answer, password, startTestApp, type TestApp } from '../harness.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser } from '../sessions/signed-in.ts'
import { givePasskey } from './registered.ts'

const passwordHash = hashCheaply(password)
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

const newUser = async (traits = {}) => {
  const username = freshName()
  const { id: userId } = await addUser(t.engine, username, { passwordHash })
  return { userId, username, passkey: await givePasskey(t.engine, userId, traits) }
}

const showPassword = (username: string, path = 'login'): Promise<Answer> =>
  t.call('POST', path, { body: { username, password }, headers: { origin: t.engine.publicUrl } })

const half = async (username: string): Promise<string> => {
  const answer = await showPassword(username)
  assert.equal(show(answer), '401 mfa_required', answer.text)
  return answer.body.mfa_token
}

const ask = async (mfa_token: string): Promise<RequestOptions> => {
  const { status, body, text } = await t.call('POST', 'login/mfa/options', { body: { mfa_token } })
  assert.equal(status, 200, text)
  return body
}

const finish = (mfa_token: string, response: unknown): Promise<Answer> =>
  t.call('POST', 'login/mfa', {
    body: { mfa_token, method: 'passkey', response },
    headers: { origin: t.engine.publicUrl },
  })

const isRefused = (answer: Answer, reason: string, userId: string | null): void => {
  assert.equal(show(answer), '401 invalid_mfa_code')
  const row = second.row(
    "select user_id, reason from audit_events where event = 'second-factor.failed' order by id desc limit 1",
  )
  assert.deepEqual({ ...row }, { user_id: userId, reason })
}

describe('after the password a passkey', () => {
  test('is asked for, first of the methods, and ends the sign-in with tokens', async () => {
    const { userId, username, passkey } = await newUser()
    await plantTotp(t.engine, userId)
    const { body } = await showPassword(username)
    assert.deepEqual(body.methods, ['passkey', 'totp'])
    const answer = await finish(body.mfa_token, passkey.get(await ask(body.mfa_token)))
    assert.equal(answer.status, 200, answer.text)
    const { amr } = await t.engine.accessTokens.verify(answer.body.access_token)
    assert.deepEqual(amr, ['pwd', 'pop', 'mfa'])
  })

  test('ends it with a cookie where the password was shown for one', async () => {
    const { username, passkey } = await newUser()
    const { mfa_token } = (await showPassword(username, 'sessions')).body
    const answer = await finish(mfa_token, passkey.get(await ask(mfa_token)))
    assert.deepEqual([answer.status, Object.keys(answer.body)], [201, ['csrf_token']])
  })

  test('is chosen from the user’s own: the password was right', async () => {
    const { userId, username, passkey } = await newUser()
    const other = await givePasskey(t.engine, userId)
    const { allowCredentials } = await ask(await half(username))
    assert.deepEqual(
      allowCredentials.map(({ id }) => id).sort(),
      [passkey.credentialId, other.credentialId].sort(),
    )
  })

  test('need not name its user', async () => {
    const { username, passkey } = await newUser()
    const token = await half(username)
    assert.equal((await finish(token, passkey.get(await ask(token), { userHandle: null }))).status, 200)
  })
})

const forgeries: Readonly<Record<string, readonly [Untruth, reason: string]>> = {
  'made for another site (phishing)': [{ origin: 'https://evil.example' }, 'passkey_origin'],
  'for another relying party': [{ rpId: 'evil.example' }, 'passkey_relying_party'],
  'without its owner verified': [{ without: 4 }, 'passkey_user_not_verified'],
  'for another user': [{ userHandle: 'AAAA' }, 'passkey_user_handle'],
}

describe('a second factor by passkey is refused', () => {
  for (const [which, [untruth, reason]] of Object.entries(forgeries))
    test(which, async () => {
      const { userId, username, passkey } = await newUser()
      const token = await half(username)
      isRefused(await finish(token, passkey.get(await ask(token), untruth)), reason, userId)
    })

  test('with the passkey of another user', async () => {
    const [ann, mallory] = [await newUser(), await newUser()]
    const token = await half(ann.username)
    isRefused(await finish(token, mallory.passkey.get(await ask(token))), 'passkey_of_another', ann.userId)
  })

  test('with the answer to another sign-in of the same user', async () => {
    const { userId, username, passkey } = await newUser()
    const [one, other] = [await half(username), await half(username)]
    isRefused(await finish(one, passkey.get(await ask(other))), 'passkey_challenge', userId)
  })

  test('with the answer to a sign-in by passkey alone', async () => {
    const { userId, username, passkey } = await newUser()
    const { body } = await t.call('POST', 'login/passkey/options')
    isRefused(await finish(await half(username), passkey.get(body)), 'passkey_challenge', userId)
  })

  test('and its answer signs nobody in alone', async () => {
    const { username, passkey } = await newUser()
    const response = passkey.get(await ask(await half(username)))
    assert.equal(
      show(await t.call('POST', 'login/passkey', { body: { response } })),
      '401 invalid_credentials',
    )
  })

  test('when it is replayed', async () => {
    const { username, passkey } = await newUser({ counts: false })
    const token = await half(username)
    const response = passkey.get(await ask(token))
    assert.equal((await finish(token, response)).status, 200)
    isRefused(await finish(token, response), 'challenge_over', null)
  })

  test('past its time, and so are the options', async () => {
    const { username, passkey } = await newUser()
    const token = await half(username)
    const response = passkey.get(await ask(token))
    t.clock.advance(codePurposes['second-factor'].lifetime)
    isRefused(await finish(token, response), 'challenge_over', null)
    isRefused(
      await t.call('POST', 'login/mfa/options', { body: { mfa_token: token } }),
      'challenge_over',
      null,
    )
  })

  test('without an answer', async () => {
    const { userId, username } = await newUser()
    isRefused(await finish(await half(username), undefined), 'factor_not_shown', userId)
  })

  test('as a clone, which is marked though the sign-in began with the right password', async () => {
    const { userId, username, passkey } = await newUser()
    const enter = async (shown: typeof passkey | ReturnType<typeof passkey.clone>) => {
      const token = await half(username)
      return finish(token, shown.get(await ask(token)))
    }
    const thief = passkey.clone()
    assert.equal((await enter(passkey)).status, 200)
    isRefused(await enter(thief), 'passkey_cloned', userId)
    assert.ok(second.row('select cloned_at from passkeys where id = ?', passkey.id)?.cloned_at)
    isRefused(await enter(passkey), 'passkey_gone', userId)
    assert.equal(
      show(await showPassword(username)),
      '401 mfa_required',
      'the password alone is not enough now',
    )
  })
})

test('a race of ten with one first half lets one in', async () => {
  const { username, passkey } = await newUser({ counts: false })
  const token = await half(username)
  const response = passkey.get(await ask(token))
  const answers = await Promise.all(Array.from({ length: 10 }, () => finish(token, response)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
})

test('strangers who know the password and show wrong codes delay no passkey', async context => {
  const strict = await startTestApp({ limitsScale: 1 })
  context.after(() => strict.close())
  const username = freshName()
  const { id } = await addUser(strict.engine, username, { passwordHash })
  const passkey = await givePasskey(strict.engine, id)
  let network = 0
  const call = (path: string, body: object) =>
    strict.call('POST', path, {
      body,
      address: `10.2.${network++}.1`,
      headers: { origin: strict.engine.publicUrl },
    })
  const begin = async (): Promise<string> => (await call('login', { username, password })).body.mfa_token
  const junk = passkey.get({
    rpId: 'evil.example',
    challenge: '',
    timeout: 0,
    userVerification: 'required',
    allowCredentials: [],
  })
  for (let n = 0; n < 12; n++)
    await call('login/mfa', { mfa_token: await begin(), method: 'passkey', response: junk })
  const mfa_token = await begin()
  const { body } = await call('login/mfa/options', { mfa_token })
  const answer = await call('login/mfa', { mfa_token, method: 'passkey', response: passkey.get(body) })
  assert.equal(answer.status, 200, answer.text)
})

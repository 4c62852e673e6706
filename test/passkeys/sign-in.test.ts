import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import type { Engine } from 'gatewright/compose'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { makeCode } from '../../packages/gatewright/src/codes/codes.ts'
import { codePurposes } from '../../packages/gatewright/src/codes/purposes.ts'
import type { RequestOptions } from '../../packages/gatewright/src/passkeys/options.ts'
import { removePasskey } from '../../packages/gatewright/src/passkeys/passkeys.ts'
import { signInByPasskey } from '../../packages/gatewright/src/sign-in/passkey-sign-in.ts'
import { throttleRule } from '../../packages/gatewright/src/sign-in/throttle-rule.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import type {
  PasskeyTraits,
  Untruth,
  VirtualPasskey,
} from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { raiseVersion } from '../../packages/gatewright/src/users/users.ts'
import { type Answer, type Call, password, startTestApp, type TestApp } from '../harness.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { browse, openBrowser, sessionIdOf, show } from '../sessions/browser.ts'
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

const newUser = async (traits: PasskeyTraits = {}) => {
  const username = freshName()
  const { id: userId } = await addUser(t.engine, username, { passwordHash })
  return { userId, username, passkey: await givePasskey(t.engine, userId, traits) }
}

const ask = async (call: Call = {}): Promise<RequestOptions> => {
  const { status, body, text } = await t.call('POST', 'login/passkey/options', call)
  assert.equal(status, 200, text)
  return body
}

const enter = (response: unknown, body: object = {}, call: Call = {}): Promise<Answer> =>
  t.call('POST', 'login/passkey', { body: { response, ...body }, ...call })

const signIn = async (passkey: VirtualPasskey, body: object = {}, call: Call = {}): Promise<Answer> =>
  enter(passkey.get(await ask()), body, call)

const lastFailure = () =>
  second.row(
    "select user_id, reason from audit_events where event = 'sign-in.failed' order by id desc limit 1",
  )

const isRefused = async (answer: Answer, reason: string, userId: string | null): Promise<void> => {
  assert.equal(show(answer), '401 invalid_credentials')
  assert.deepEqual({ ...lastFailure() }, { user_id: userId, reason })
}

describe('whoever shows a passkey is signed in without a name', () => {
  test('with tokens, by a proof of several factors', async () => {
    const { userId, passkey } = await newUser()
    const answer = await signIn(passkey)
    assert.equal(answer.status, 200, answer.text)
    const claims = await t.engine.accessTokens.verify(answer.body.access_token)
    assert.equal(claims.userId, userId)
    assert.deepEqual(claims.amr, ['pop', 'mfa'])
    assert.ok(answer.body.refresh_token)
  })

  test('with a cookie, which replaces the one that the browser holds', async () => {
    const { passkey } = await newUser()
    const username = freshName()
    await addUser(t.engine, username, { passwordHash })
    const tab = await openBrowser(t, username)
    const headers = { cookie: tab.cookie, origin: t.engine.publicUrl }
    const answer = await signIn(passkey, { delivery: 'cookie' }, { headers })
    assert.equal(answer.status, 200, answer.text)
    const cookies = [answer.headers['set-cookie'] ?? []].flat().map(String)
    assert.deepEqual(
      cookies.map(text => text.split('=')[0]),
      ['gw_session', 'gw_device'],
    )
    const now = { cookie: cookies[0]?.split(';')[0] ?? '', csrf: answer.body.csrf_token }
    assert.ok(await sessionIdOf(t, now))
    assert.equal(show(await browse(t, tab, 'GET', 'me')), '401 session_ended')
  })
})

describe('a passkey', () => {
  test('whose counter is always 0 is taken again and again', async () => {
    const { passkey } = await newUser({ counts: false, isSynced: true })
    for (const _ of [1, 2]) assert.equal((await signIn(passkey)).status, 200)
  })

  test('notes when it was used last', async () => {
    const { passkey } = await newUser()
    t.clock.advance(1_000)
    await signIn(passkey)
    const row = second.row('select counter, last_used_at from passkeys where id = ?', passkey.id)
    assert.deepEqual({ ...row }, { counter: 1, last_used_at: t.clock.now() })
  })
})

const forgeries: Readonly<Record<string, readonly [Untruth, reason: string]>> = {
  'an assertion made for another site (phishing)': [{ origin: 'https://evil.example' }, 'passkey_origin'],
  'an assertion for another relying party': [{ rpId: 'evil.example' }, 'passkey_relying_party'],
  'a registration shown as a sign-in': [{ type: 'webauthn.create' }, 'passkey_type'],
  'a page in another site’s frame': [{ crossOrigin: true }, 'passkey_frame'],
  'a stolen key without its owner’s finger (no user verification)': [
    { without: 4 },
    'passkey_user_not_verified',
  ],
  'a credential with another user’s handle': [{ userHandle: 'AAAA' }, 'passkey_user_handle'],
  'no user at all': [{ userHandle: null }, 'passkey_user_handle'],
}

describe('a sign-in by passkey is refused', () => {
  for (const [which, [untruth, reason]] of Object.entries(forgeries))
    test(which, async () => {
      const { userId, passkey } = await newUser()
      await isRefused(await enter(passkey.get(await ask(), untruth)), reason, userId)
    })

  test('a credential that nobody has', async () => {
    const { passkey } = await newUser()
    const response = { ...passkey.get(await ask()), id: 'AAAA', rawId: 'AAAA' }
    await isRefused(await enter(response), 'passkey_unknown', null)
  })

  test('a replayed assertion', async () => {
    const { passkey } = await newUser({ counts: false })
    const response = passkey.get(await ask())
    assert.equal((await enter(response)).status, 200)
    await isRefused(await enter(response), 'passkey_challenge', null)
  })

  test('a second answer to one challenge, also where the first was wrong', async () => {
    const { passkey } = await newUser()
    const options = await ask()
    await enter(passkey.get(options, { origin: 'https://evil.example' }))
    await isRefused(await enter(passkey.get(options)), 'passkey_challenge', null)
  })

  test('a challenge that the caller made up', async () => {
    const { passkey } = await newUser()
    const options = { ...(await ask()), challenge: 'A'.repeat(43) }
    await isRefused(await enter(passkey.get(options)), 'passkey_challenge', null)
  })

  test('a challenge past its time', async () => {
    const { passkey } = await newUser()
    const options = await ask()
    t.clock.advance(codePurposes['passkey-sign-in'].lifetime)
    await isRefused(await enter(passkey.get(options)), 'passkey_challenge', null)
  })

  for (const purpose of ['passkey-registration', 'passkey-step-up', 'second-factor'] as const)
    test(`a challenge of another purpose: ${purpose}`, async () => {
      const { userId, passkey } = await newUser()
      const made = await inTransaction(t.engine.db, work =>
        makeCode(t.engine, work, { purpose, user: { id: userId, version: 1 } }),
      )
      const options = { ...(await ask()), challenge: made?.secret ?? '' }
      await isRefused(await enter(passkey.get(options)), 'passkey_challenge', null)
      assert.ok(
        second.row('select 1 from codes where id = ?', made?.id ?? ''),
        'it was used up by another door',
      )
    })

  test('a credential of a disabled user', async () => {
    const { userId, passkey } = await newUser()
    await disableUser(t.engine, { userId, origin })
    await isRefused(await signIn(passkey), 'user_disabled', userId)
  })

  test('a credential that its owner removed', async () => {
    const { userId, passkey } = await newUser()
    await inTransaction(t.engine.db, work => removePasskey(work, { id: passkey.id, userId }))
    await isRefused(await signIn(passkey), 'passkey_unknown', null)
  })

  test('a credential of a deleted user', async () => {
    const { userId, passkey } = await newUser()
    const { body } = await signIn(passkey)
    assert.equal((await t.call('DELETE', 'me', { token: body.access_token })).status, 204)
    await isRefused(await signIn(passkey), 'passkey_unknown', null)
    assert.equal(second.row('select 1 from passkeys where user_id = ?', userId), undefined)
  })
})

test('a race of twenty with one challenge lets one in', async () => {
  const { passkey } = await newUser({ counts: false })
  const response = passkey.get(await ask())
  const answers = await Promise.all(Array.from({ length: 20 }, () => enter(response)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
})

/** The engine, in which something happens right after the passkey was found, and before its signature is checked. */
const withEvent = (engine: Engine, event: () => Promise<unknown>) => {
  let looks = 0
  const db = engine.db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      const isPasskey = result.rows.some(row => 'credential_id' in (row as object))
      if (isPasskey && ++looks === 1) await event()
      return result
    },
  })
  return { engine: { ...engine, db }, looks: () => looks }
}

describe('what happens while a signature is checked', () => {
  const meanwhile = {
    'the passkey is removed, and its user’s version raised': {
      event: (userId: string, id: string) =>
        inTransaction(t.engine.db, async work => {
          await raiseVersion(work, userId)
          await removePasskey(work, { id, userId })
        }),
      told: 'invalid_credentials',
    },
    'the user is disabled': {
      event: (userId: string) => disableUser(t.engine, { userId, origin }),
      told: 'invalid_credentials',
    },
    'the user ends all sessions': {
      event: (userId: string) => inTransaction(t.engine.db, work => raiseVersion(work, userId)),
      told: 'two looks',
    },
  } as const
  for (const [what, { event, told }] of Object.entries(meanwhile))
    test(what, async () => {
      const { userId, passkey } = await newUser()
      const { engine, looks } = withEvent(t.engine, () => event(userId, passkey.id))
      const asked = {
        response: passkey.get(await ask()),
        holding: 'tokens',
        device: '',
        origin,
        browser: { shown: undefined, isRemembered: false },
      } as const
      const entering = signInByPasskey(engine, asked)
      if (told === 'two looks') {
        const { session } = await entering
        assert.deepEqual([session.user_id, session.user_version, looks()], [userId, 2, 2])
      } else await assert.rejects(entering, { code: told })
    })
})

describe('a cloned passkey', () => {
  test('is refused, marked and recorded, and then neither of the two is taken', async () => {
    const { userId, passkey } = await newUser()
    await signIn(passkey)
    const thief = passkey.clone()
    assert.equal((await signIn(passkey)).status, 200)
    await isRefused(await signIn(thief), 'passkey_cloned', userId)
    const event = second.row("select user_id, details from audit_events where event = 'passkey.cloned'")
    assert.deepEqual({ ...event }, { user_id: userId, details: JSON.stringify({ passkey: passkey.id }) })
    for (const either of [passkey, thief, passkey])
      await isRefused(await signIn(either), 'passkey_gone', userId)
  })

  test('is not what somebody says who can not sign with it: nobody marks another’s passkey', async () => {
    const { passkey } = await newUser()
    await signIn(passkey)
    const { passkey: forger } = await newUser()
    const forged = forger.get(await ask(), { counter: 0, userHandle: null })
    await enter({ ...forged, id: passkey.credentialId, rawId: passkey.credentialId })
    assert.equal((await signIn(passkey)).status, 200)
  })

  test('of two uses at once with one count one is a clone’s', async () => {
    const { passkey } = await newUser()
    const [one, other] = [await ask(), await ask()]
    const answers = await Promise.all([
      enter(passkey.get(one, { counter: 7 })),
      enter(passkey.get(other, { counter: 7 })),
    ])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401])
    assert.equal(show(await signIn(passkey)), '401 invalid_credentials')
  })
})

test('an administrator who signs in by passkey alone has shown the second factor that is asked for', async context => {
  const strict = await startTestApp({ adminSecondFactor: 'required' })
  context.after(() => strict.close())
  const { id } = await addUser(strict.engine, freshName(), { roles: ['admin'], passwordHash })
  const passkey = await givePasskey(strict.engine, id)
  const options = await strict.call('POST', 'login/passkey/options')
  const { body } = await strict.call('POST', 'login/passkey', {
    body: { response: passkey.get(options.body) },
  })
  const metrics = await strict.call('GET', '/metrics', { token: body.access_token })
  assert.equal(metrics.status, 200, metrics.text)
})

describe('enumeration by options is impossible', () => {
  test('they take no name: with one they are the same', async () => {
    const { username } = await newUser()
    const named = await ask({ body: { username } })
    assert.deepEqual({ ...named, challenge: '' }, { ...(await ask()), challenge: '' })
    assert.deepEqual(named.allowCredentials, [])
  })

  test('they are the same for everybody, but for a challenge that is never the same', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => ask()))
    assert.equal(new Set(all.map(({ challenge }) => challenge)).size, 100)
    assert.equal(new Set(all.map(options => JSON.stringify({ ...options, challenge: '' }))).size, 1)
    for (const { challenge } of all) assert.ok(Buffer.from(challenge, 'base64url').length >= 32)
  })

  test('unknown, removed, disabled and forged get one answer, at one of the same moments', async () => {
    const { userId, passkey } = await newUser()
    const { passkey: other } = await newUser()
    const unknown = { ...passkey.get(await ask()), id: 'AAAA', rawId: 'AAAA' }
    const answers = [await enter(unknown), await enter(other.get(await ask(), { rpId: 'evil.example' }))]
    await disableUser(t.engine, { userId, origin })
    answers.push(await signIn(passkey))
    const told = answers.map(({ status, body, headers }) => {
      const { request_id: _, ...problem } = body
      return JSON.stringify([status, problem, headers['www-authenticate'], headers['set-cookie'] ?? null])
    })
    assert.equal(new Set(told).size, 1, told.join('\n'))
  })
})

describe('strangers’ wrong passwords', () => {
  test('delay no passkey, and the passkey lifts what they used up', async context => {
    const strict = await startTestApp({ limitsScale: 1 })
    context.after(() => strict.close())
    const username = freshName()
    const { id: userId } = await addUser(strict.engine, username)
    const passkey = await givePasskey(strict.engine, userId)
    for (let n = 0; n < throttleRule.free; n++)
      await strict.call('POST', 'login', {
        body: { username, password: 'not the password' },
        address: `10.1.0.${n}`,
      })
    const delayed = () =>
      strict.engine.db
        .selectFrom('sign_in_throttles')
        .select('key')
        .where('open_at', '>', strict.clock.now())
        .execute()
    assert.ok((await delayed()).length > 0)
    const options = await strict.call('POST', 'login/passkey/options')
    const body = { response: passkey.get(options.body) }
    const answer = await strict.call('POST', 'login/passkey', { body })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(await delayed(), [])
  })
})

describe('a browser of another site', () => {
  test('signs nobody in', async () => {
    const { passkey } = await newUser()
    const headers = { origin: 'https://evil.example' }
    const response = passkey.get(await ask())
    assert.equal(show(await enter(response, { delivery: 'cookie' }, { headers })), '403 csrf_failed')
    assert.equal(show(await enter(response, {}, { headers })), '403 csrf_failed')
  })
})

test('a server that gives no cookies, or no tokens, says so', async context => {
  for (const [credentials, delivery] of [
    [['bearer'], 'cookie'],
    [['cookie'], 'tokens'],
  ] as const) {
    const some = await startTestApp({ credentials: new Set(credentials) as never })
    context.after(() => some.close())
    const { id } = await addUser(some.engine, freshName())
    const passkey = await givePasskey(some.engine, id)
    const options = await some.call('POST', 'login/passkey/options')
    const body = { response: passkey.get(options.body), delivery }
    const headers = { origin: some.engine.publicUrl }
    assert.equal(
      show(await some.call('POST', 'login/passkey', { body, headers })),
      '403 insufficient_permission',
    )
  }
})

test('an IP address as PUBLIC_URL is refused with what to write in its place', async context => {
  const numbered = await startTestApp({ publicUrl: 'http://127.0.0.1:3000' })
  context.after(() => numbered.close())
  const answer = await numbered.call('POST', 'login/passkey/options')
  assert.equal(show(answer), '409 conflict')
  assert.match(answer.body.detail, /PUBLIC_URL.*http:\/\/localhost:3000/)
})

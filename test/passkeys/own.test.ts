import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { codePurposes } from '../../packages/gatewright/src/codes/purposes.ts'
import type { CreationOptions } from '../../packages/gatewright/src/passkeys/options.ts'
import { mostPasskeys } from '../../packages/gatewright/src/passkeys/passkeys.ts'
import {
  makeVirtualPasskey,
  type Untruth,
  type VirtualPasskey,
} from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'
import { givePasskey, plantPasskey } from './registered.ts'

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

const signedIn = async (): Promise<SignedIn> => {
  const { id } = await addUser(t.engine, freshName())
  return signInAs(t.engine, id)
}

type Holder = Pick<SignedIn, 'access'>

const ask = async ({ access }: Holder): Promise<CreationOptions> => {
  const { status, body, text } = await t.call('POST', 'me/passkeys/options', { token: access })
  assert.equal(status, 200, text)
  return body
}

const newPasskey = (): VirtualPasskey => makeVirtualPasskey(t.engine.publicUrl)

const send = ({ access }: Holder, response: unknown, body: object = {}): Promise<Answer> =>
  t.call('POST', 'me/passkeys', { token: access, body: { response, ...body } })

const list = async ({ access }: Holder) =>
  (await t.call('GET', 'me/passkeys', { token: access })).body.passkeys

/** The session goes on under the id that the answer carries. */
const goOn = (answer: Answer): Holder => {
  assert.equal(answer.status, 200, answer.text)
  return { access: answer.body.access_token }
}

const add = async (holder: Holder, passkey = newPasskey()) => send(holder, passkey.create(await ask(holder)))

const rowsOf = (userId: string) => second.rows('select * from passkeys where user_id = ?', userId)

describe('a passkey is added', () => {
  test('as the first factor: with recovery codes, in a session under a new id that has shown several factors', async () => {
    const ann = await signedIn()
    t.clock.advance(minute)
    const answer = await add(ann)
    const now = goOn(answer)
    assert.equal(answer.body.recovery_codes.length, 10)
    assert.equal(show(await t.call('GET', 'me', { token: ann.access })), '401 session_ended')
    const { amr, authTime } = await t.engine.accessTokens.verify(now.access)
    assert.deepEqual(amr, ['pwd', 'pop', 'mfa'])
    assert.equal(authTime, (await t.engine.accessTokens.verify(ann.access)).authTime)
    assert.equal((await list(now)).length, 1)
  })

  test('beside another one, without new recovery codes', async () => {
    const ann = goOn(await add(await signedIn()))
    const answer = await add(ann)
    const now = goOn(answer)
    assert.equal(answer.body.recovery_codes, undefined)
    assert.equal((await list(now)).length, 2)
  })

  test('by a name that its owner gives, or the name of the device', async () => {
    const ann = await signedIn()
    const answer = await send(ann, newPasskey().create(await ask(ann)), { name: 'Küche' })
    assert.equal(answer.body.passkey.name, 'Küche')
    const other = await add(goOn(answer))
    assert.equal(other.body.passkey.name, 'lightMyRequest')
  })

  test('with options that name every passkey of the user, and one handle for all', async () => {
    const ann = await signedIn()
    const passkey = newPasskey()
    const first = await ask(ann)
    const now = goOn(await send(ann, passkey.create(first)))
    const next = await ask(now)
    assert.deepEqual(
      next.excludeCredentials.map(({ id }) => id),
      [passkey.credentialId],
    )
    assert.equal(next.user.id, first.user.id)
    assert.equal(Buffer.from(first.user.id, 'base64url').length, 64)
    assert.ok(!first.user.id.includes(ann.userId))
  })
})

test('what authenticators keep of a user tells nothing: another handle for everybody, and none is an id', async () => {
  const handles = new Set<string>()
  for (let n = 0; n < 20; n++) handles.add((await ask(await signedIn())).user.id)
  assert.equal(handles.size, 20)
})

const untruths: Readonly<Record<string, readonly [Untruth, reason: string]>> = {
  'made for another site (phishing)': [{ origin: 'https://evil.example' }, 'passkey_origin'],
  'for another relying party': [{ rpId: 'evil.example' }, 'passkey_relying_party'],
  'with a sign-in in place of a registration': [{ type: 'webauthn.get' }, 'passkey_type'],
  'without its owner verified': [{ without: 4 }, 'passkey_user_not_verified'],
  'with a challenge that the caller made up': [{ challenge: 'A'.repeat(43) }, 'passkey_challenge'],
}

const isRefused = (answer: Answer, reason: string, userId: string): void => {
  assert.equal(show(answer), '400 validation_failed')
  assert.equal(answer.body.errors[0].path, '/response')
  const row = second.row(
    "select reason from audit_events where event = 'second-factor.failed' and user_id = ? order by id desc limit 1",
    userId,
  )
  assert.equal(row?.reason, reason)
  assert.deepEqual(rowsOf(userId), [])
}

describe('a registration is refused, with one answer and its reason in the audit log', () => {
  for (const [which, [untruth, reason]] of Object.entries(untruths))
    test(which, async () => {
      const ann = await signedIn()
      isRefused(await send(ann, newPasskey().create(await ask(ann), untruth)), reason, ann.userId)
    })

  test('when it is shown again', async () => {
    const ann = await signedIn()
    const options = await ask(ann)
    await send(ann, newPasskey().create(options, { origin: 'https://evil.example' }))
    isRefused(await send(ann, newPasskey().create(options)), 'passkey_challenge', ann.userId)
  })

  test('past its time', async () => {
    const ann = await signedIn()
    const options = await ask(ann)
    t.clock.advance(codePurposes['passkey-registration'].lifetime)
    isRefused(await send(ann, newPasskey().create(options)), 'passkey_challenge', ann.userId)
  })

  test('with the challenge of another session of the same user', async () => {
    const ann = await signedIn()
    const other = await signInAs(t.engine, ann.userId)
    const options = await ask(other)
    isRefused(await send(ann, newPasskey().create(options)), 'passkey_challenge', ann.userId)
    assert.equal((await send(other, newPasskey().create(options))).status, 200, 'it is still the other one’s')
  })

  test('with the challenge of another user', async () => {
    const [ann, mallory] = [await signedIn(), await signedIn()]
    isRefused(await send(mallory, newPasskey().create(await ask(ann))), 'passkey_challenge', mallory.userId)
  })

  test('with the challenge of a sign-in', async () => {
    const ann = await signedIn()
    const { body } = await t.call('POST', 'login/passkey/options')
    const options = { ...(await ask(ann)), challenge: body.challenge }
    isRefused(await send(ann, newPasskey().create(options)), 'passkey_challenge', ann.userId)
  })

  test('for a server that is reached by an IP address, with what to write', async context => {
    const numbered = await startTestApp({ publicUrl: 'http://127.0.0.1:3000' })
    context.after(() => numbered.close())
    const { id } = await addUser(numbered.engine, freshName())
    const { access } = await signInAs(numbered.engine, id)
    const answer = await numbered.call('POST', 'me/passkeys/options', { token: access })
    assert.equal(show(answer), '409 conflict')
    assert.match(answer.body.detail, /PUBLIC_URL/)
  })

  for (const body of [
    {},
    { response: {} },
    { response: { ...{ id: 'A', rawId: 'A', type: 'password', response: {} } } },
    { response: { id: 'A'.repeat(1_365), rawId: 'A', type: 'public-key', response: {} } },
  ])
    test(`without its form: ${JSON.stringify(body).slice(0, 40)}`, async () => {
      const { access } = await signedIn()
      assert.equal(
        show(await t.call('POST', 'me/passkeys', { token: access, body })),
        '400 validation_failed',
      )
    })
})

describe('a duplicate is refused', () => {
  test('be it the user’s own', async () => {
    const ann = await signedIn()
    const passkey = newPasskey()
    const now = goOn(await send(ann, passkey.create(await ask(ann))))
    assert.equal(show(await send(now, passkey.create(await ask(now)))), '409 conflict')
    assert.equal((await list(now)).length, 1)
  })

  test('or another’s, whom it goes on to sign in', async () => {
    const [ann, mallory] = [await signedIn(), await signedIn()]
    const passkey = newPasskey()
    goOn(await send(ann, passkey.create(await ask(ann))))
    const stolen = { ...newPasskey().create(await ask(mallory)) }
    const named = { ...stolen, id: passkey.credentialId, rawId: passkey.credentialId }
    assert.equal(show(await send(mallory, named)), '400 validation_failed')
    assert.equal(show(await send(mallory, passkey.create(await ask(mallory)))), '409 conflict')
    assert.equal(rowsOf(mallory.userId).length, 0)
    assert.equal(rowsOf(ann.userId).length, 1)
  })

  test('also in a race: of two users who register one credential at once one has it', async () => {
    const [ann, ben] = [await signedIn(), await signedIn()]
    const passkey = newPasskey()
    const responses = [passkey.create(await ask(ann)), passkey.create(await ask(ben))]
    const answers = await Promise.all([send(ann, responses[0]), send(ben, responses[1])])
    assert.deepEqual(answers.map(show).sort(), ['200', '409 conflict'])
    assert.equal(rowsOf(ann.userId).length + rowsOf(ben.userId).length, 1)
  })

  test('a race of ten answers to one challenge adds one passkey', async () => {
    const ann = await signedIn()
    const options = await ask(ann)
    const responses = Array.from({ length: 10 }, () => newPasskey().create(options))
    const answers = await Promise.all(responses.map(response => send(ann, response)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(rowsOf(ann.userId).length, 1)
  })
})

test(`a user has ${mostPasskeys} passkeys and no more`, async () => {
  const ann = await signedIn()
  for (let n = 0; n < mostPasskeys - 1; n++) await givePasskey(t.engine, ann.userId)
  await plantTotp(t.engine, ann.userId)
  const now = goOn(await add(ann))
  const answer = await add(now)
  assert.equal(show(answer), '409 conflict')
  assert.match(answer.body.detail, /20 passkeys/)
  assert.equal(rowsOf(ann.userId).length, mostPasskeys)
})

test('options ask for a passkey that needs no name and verifies its owner, of a known algorithm, without its make', async () => {
  const { authenticatorSelection, attestation, pubKeyCredParams } = await ask(await signedIn())
  assert.deepEqual(
    [authenticatorSelection.residentKey, authenticatorSelection.userVerification, attestation],
    ['required', 'required', 'none'],
  )
  assert.deepEqual(
    pubKeyCredParams.map(({ alg }) => alg),
    [-7, -8, -257],
  )
  const { body } = await t.call('POST', 'login/passkey/options')
  assert.equal(body.userVerification, 'required')
})

test('an administrator who resets the factors of a user removes the passkeys as well', async () => {
  const ann = await signedIn()
  await plantPasskey(t.engine, ann.userId)
  await resetFactors(t.engine, { userId: ann.userId, reason: 'lost', origin })
  assert.deepEqual(rowsOf(ann.userId), [])
  assert.equal(show(await t.call('GET', 'me', { token: ann.access })), '401 session_ended')
})

describe('passkeys are changed', () => {
  test('only after a recent sign-in', async () => {
    const ann = await signedIn()
    const { id } = await plantPasskey(t.engine, ann.userId)
    t.clock.advance(10 * minute + 1)
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: ann.refresh } })
    const token = body.access_token
    for (const [method, path, sent] of [
      ['POST', 'me/passkeys/options', undefined],
      ['POST', 'me/passkeys', { response: newPasskey().create(await ask(await signedIn())) }],
      ['PATCH', `me/passkeys/${id}`, { name: 'Mine' }],
      ['DELETE', `me/passkeys/${id}`, undefined],
    ] as const)
      assert.equal(
        show(await t.call(method, path, { token, body: sent })),
        '401 insufficient_user_authentication',
      )
  })

  test('by nobody who has only the password of a user with a factor', async () => {
    const ann = await signedIn()
    const { id } = await givePasskey(t.engine, ann.userId)
    const token = ann.access
    const refusals = [
      await t.call('POST', 'me/passkeys/options', { token }),
      await t.call('DELETE', `me/passkeys/${id}`, { token }),
    ]
    assert.deepEqual(refusals.map(show), Array(2).fill('401 insufficient_user_authentication'))
    assert.equal(rowsOf(ann.userId).length, 1)
  })

  test('in nothing but the name: no key, no counter, no owner', async () => {
    const ann = await signedIn()
    const { id } = await plantPasskey(t.engine, ann.userId)
    for (const member of ['public_key', 'credential_id', 'counter', 'user_id', 'user_handle', 'cloned_at']) {
      const body = { name: 'Mine', [member]: 'AAAA' }
      const answer = await t.call('PATCH', `me/passkeys/${id}`, { token: ann.access, body })
      assert.equal(show(answer), '400 validation_failed', member)
    }
    const renamed = await t.call('PATCH', `me/passkeys/${id}`, { token: ann.access, body: { name: 'Mine' } })
    assert.deepEqual([renamed.status, renamed.body.name], [200, 'Mine'])
  })

  for (const name of ['', ' ', 'a\nb', 'a\u202eb', 'x'.repeat(65)])
    test(`not to the name ${JSON.stringify(name).slice(0, 20)}`, async () => {
      const ann = await signedIn()
      const { id } = await plantPasskey(t.engine, ann.userId)
      const answer = await t.call('PATCH', `me/passkeys/${id}`, { token: ann.access, body: { name } })
      assert.equal(show(answer), '400 validation_failed')
    })

  test('never by another user: deleting and renaming another’s is as an unknown id', async () => {
    const [ann, mallory] = [await signedIn(), await signedIn()]
    const { id } = await plantPasskey(t.engine, ann.userId)
    const token = mallory.access
    assert.equal(show(await t.call('DELETE', `me/passkeys/${id}`, { token })), '404 not_found')
    const body = { name: 'Mine' }
    assert.equal(show(await t.call('PATCH', `me/passkeys/${id}`, { token, body })), '404 not_found')
    assert.equal(rowsOf(ann.userId)[0]?.name, 'Laptop')
  })
})

describe('a passkey that is removed', () => {
  test('ends all other sessions, and the recovery codes with the last factor', async () => {
    const ann = await signedIn()
    const added = await add(ann)
    const now = goOn(added)
    const other = await signInAs(t.engine, ann.userId)
    const removed = await t.call('DELETE', `me/passkeys/${added.body.passkey.id}`, { token: now.access })
    const { access } = goOn(removed)
    assert.equal(show(await t.call('GET', 'me', { token: other.access })), '401 session_ended')
    assert.equal(show(await t.call('GET', 'me', { token: now.access })), '401 session_ended')
    assert.equal((await t.call('GET', 'me', { token: access })).status, 200)
    assert.deepEqual(second.rows('select * from recovery_codes where user_id = ?', ann.userId), [])
  })

  test('signs nobody in at the next use', async () => {
    const ann = await signedIn()
    const passkey = newPasskey()
    const added = await send(ann, passkey.create(await ask(ann)))
    const token = goOn(added).access
    await t.call('DELETE', `me/passkeys/${added.body.passkey.id}`, { token })
    const { body } = await t.call('POST', 'login/passkey/options')
    const answer = await t.call('POST', 'login/passkey', { body: { response: passkey.get(body) } })
    assert.equal(show(answer), '401 invalid_credentials')
  })

  test('stays while the password is too short to be alone', async () => {
    const ann = await signedIn()
    const { id } = await plantPasskey(t.engine, ann.userId)
    await second.run('update users set password_needs_factor = 1 where id = ?', ann.userId)
    const answer = await t.call('DELETE', `me/passkeys/${id}`, { token: ann.access })
    assert.equal(show(answer), '400 password_too_short')
    assert.equal(rowsOf(ann.userId).length, 1)
  })
})

test('its owner is told of each passkey that is added or removed', async () => {
  const ann = await signedIn()
  await second.run(
    "update users set email = 'ann@example.org', email_key = ?, email_verified_at = 1 where id = ?",
    `${ann.userId}@example.org`,
    ann.userId,
  )
  const added = await add(ann)
  const token = goOn(added).access
  await t.call('DELETE', `me/passkeys/${added.body.passkey.id}`, { token })
  const kinds = second.rows('select kind from mails where user_id = ? order by created_at, id', ann.userId)
  assert.deepEqual(kinds.map(({ kind }) => kind).sort(), ['factor-added', 'factor-removed'])
})

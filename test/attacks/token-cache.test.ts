import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { second } from 'gatewright/clock'
import { compose } from 'gatewright/compose'
import { blog } from '../../apps/blog/src/blog.ts'
import { changeRoles, disableUser } from '../../packages/gatewright/src/administration/users.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Caller, startTestApp, type TestApp } from '../harness.ts'
import { makeOwner, sessionIdOf } from '../senders.ts'
import { alphabet, orderOfP256, withSignature } from './forged-tokens.ts'
import { createForger, type Forger, swapClaims } from './forger.ts'
import { assertRefused, invalid, lastReason, toldBy } from './refused-token.ts'

let t: TestApp
let alice: Caller
let forger: Forger
before(async () => {
  t = await startTestApp()
  alice = await makeOwner(t)
  forger = await createForger(t, alice.access)
})
after(() => t.close())

const ask = (token: string) => t.call('GET', 'me', { token })

test('cache confusion: a token that was seen as good is refused once any character of it is another', async () => {
  assert.equal((await t.call('GET', 'me', { token: alice.access })).status, 200)
  for (let at = 0; at < alice.access.length; at++) {
    const was = alice.access[at] ?? ''
    const other = was === '.' ? '_' : (alphabet[(alphabet.indexOf(was) + 1) % 64] ?? '')
    const token = alice.access.slice(0, at) + other + alice.access.slice(at + 1)
    assert.deepEqual(toldBy(await t.call('GET', 'me', { token })), invalid, `character ${at}`)
  }
  assert.equal((await t.call('GET', 'me', { token: alice.access })).status, 200)
})

test('cache confusion: a token cut off, lengthened or in other letters is not the one that was seen', async () => {
  for (const token of [
    alice.access.slice(0, -1),
    alice.access.slice(1),
    `${alice.access}A`,
    `A${alice.access}`,
    alice.access.toLowerCase(),
    alice.access.toUpperCase(),
  ])
    await assertRefused(t, token)
})

test('cache confusion: a refused token is refused again, and does not spoil the good one', async () => {
  const bad = swapClaims(forger.good, { ...forger.claims, roles: ['admin'] })
  for (const token of [bad, bad, bad]) await assertRefused(t, token)
  assert.deepEqual((await t.call('GET', 'me', { token: alice.access })).body.roles, ['user'])
})

test('cache confusion: a token seen while it was good is refused from the moment that it expires', async () => {
  const soon = await forger.ours({}, { exp: Math.floor(t.clock.now() / second) + 30 })
  assert.equal((await t.call('GET', 'me', { token: soon })).status, 200)
  t.clock.advance(29 * second)
  assert.equal((await t.call('GET', 'me', { token: soon })).status, 200)
  t.clock.advance(second)
  const answer = await t.call('GET', 'me', { token: soon })
  assert.equal(`${answer.status} ${answer.body.code}`, '401 token_expired')
})

test('a token that was never seen before it expired is told that it has, and nothing of its user', async () => {
  const late = await forger.ours({}, { exp: Math.floor(t.clock.now() / second) - 1 })
  const answer = await t.call('GET', 'me', { token: late })
  assert.equal(`${answer.status} ${answer.body.code}`, '401 token_expired')
  assert.ok(!answer.text.includes(alice.id))
})

/** Shown and let in, so that it is remembered. */
const newSeen = async (...roles: readonly string[]): Promise<{ owner: Caller; forger: Forger }> => {
  const owner = await makeOwner(t, ...roles)
  assert.equal((await ask(owner.access)).status, 200)
  return { owner, forger: await createForger(t, owner.access) }
}

test('cache confusion: a token that was seen counts in its own place only', async () => {
  const { access } = alice
  assert.equal((await ask(access)).status, 200)
  const elsewhere = [
    [{ authorization: access }, 'unknown_other'],
    [{ authorization: `Token ${access}` }, 'unknown_other'],
    [{ authorization: `DPoP ${access}` }, 'unknown_other'],
    [{ authorization: `Basic ${access}` }, 'unknown_other'],
    [{ 'x-api-key': access }, 'key_form'],
    [{ cookie: `gw_session=${access}` }, 'cookie_form'],
    [{ cookie: `access_token=${access}` }, 'no_credential'],
    [{ 'x-access-token': access }, 'no_credential'],
  ] as const
  for (const [headers, reason] of elsewhere) {
    const { status, body } = await t.call('GET', 'me', { headers })
    assert.deepEqual([status, body.code, lastReason(t)], [401, 'invalid_token', reason])
  }
})

test('cache confusion: blanks around a token that was seen make it another text, or none', async () => {
  for (const token of [
    `${alice.access}\t`,
    `\t${alice.access}`,
    `${alice.access} x`,
    `${alice.access}\u00a0`,
  ])
    assert.equal((await ask(token)).status, 401, JSON.stringify(token))
})

test('cache confusion: a token that was seen ends with its session', async () => {
  const { owner } = await newSeen()
  assert.equal((await t.call('POST', 'logout', { token: owner.access })).status, 200)
  const answer = await ask(owner.access)
  assert.equal(`${answer.status} ${answer.body.code}`, '401 session_ended')
})

test('cache confusion: a token that was seen ends when its user is disabled', async () => {
  const { owner } = await newSeen()
  await disableUser(t.engine, { userId: owner.id, origin })
  const answer = await ask(owner.access)
  assert.equal(`${answer.status} ${answer.body.code}`, '401 session_ended')
})

test('cache confusion: a token that was seen allows what its user may do now, and not what it says', async () => {
  const { owner } = await newSeen('admin')
  const listUsers = () => t.call('GET', '/api/v1/users', { token: owner.access })
  assert.equal((await listUsers()).status, 200)
  await makeOwner(t, 'admin')
  await changeRoles(t.engine, { userId: owner.id, roles: [], origin })
  assert.equal((await listUsers()).status, 403)
  assert.deepEqual((await ask(owner.access)).body.roles, [])
})

test('cache confusion: a token that was seen is good for its own audience only, on the same keys and database', async () => {
  const { owner } = await newSeen()
  const settings = { ...t.engine.settings, tokenAudience: 'https://other.example' }
  const { migrations = [] } = blog
  const other = await compose({ settings, clock: t.clock, durability: 'off', migrations, declaration: blog })
  try {
    for (const _ of ['never seen', 'seen'])
      await assert.rejects(async () => other.accessTokens.verify(owner.access), {
        code: 'invalid_token',
        details: {
          reason: 'token_audience',
          session: { userId: owner.id, sessionId: sessionIdOf(owner.access) },
        },
      })
    const known = await t.engine.accessTokens.verify(owner.access)
    const sign = await other.accessTokens.getSign()
    const theirs = await sign(known)
    assert.equal((await other.accessTokens.verify(theirs)).userId, owner.id)
    for (const _ of ['never seen', 'seen']) await assertRefused(t, theirs, 'token_audience')
    assert.equal((await ask(owner.access)).status, 200)
  } finally {
    await other.close()
  }
})

/** (r, s) as (r, n − s): whoever holds a token can write its signature so, and it is as good. */
const toTwin = (forger: Forger): string => {
  const bytes = Buffer.from(forger.signature, 'base64url')
  const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const other = Buffer.from((orderOfP256 - s).toString(16).padStart(64, '0'), 'hex')
  return withSignature(forger, Buffer.concat([bytes.subarray(0, 32), other]))
}

test('signature malleability: another signature over the same claims is the same token, and ends with it', async () => {
  const { owner, forger: own } = await newSeen()
  const twins = [toTwin(own), await own.oursExactly(own.header, own.claims)]
  for (const twin of twins) {
    assert.notEqual(twin, owner.access)
    assert.equal((await ask(twin)).body.id, owner.id)
  }
  assert.equal((await t.call('POST', 'logout', { token: twins[0] })).status, 200)
  for (const text of [owner.access, ...twins, toTwin(await createForger(t, twins[1] ?? ''))]) {
    const answer = await ask(text)
    assert.equal(`${answer.status} ${answer.body.code}`, '401 session_ended')
  }
})

test('signature malleability: another signature does not outlive the expiry of the token', async () => {
  const own = await createForger(t, await forger.ours({}, { exp: Math.floor(t.clock.now() / second) + 5 }))
  const twin = toTwin(own)
  for (const text of [own.good, twin]) assert.equal((await ask(text)).status, 200)
  t.clock.advance(5 * second)
  for (const text of [own.good, twin]) assert.equal((await ask(text)).body.code, 'token_expired')
})

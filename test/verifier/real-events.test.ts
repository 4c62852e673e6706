import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles, disableUser, enableUser } from 'gatewright/administration'
import { revokeKey } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { type Caller, password, signUp } from '../harness.ts'
import { until } from '../process/until.ts'
import { type Listening, openFor, startListening } from './listening.ts'
import { judge, untilLetIn } from './scripted-issuer.ts'

let t: Listening
let verifier: ReturnType<typeof openFor>
before(async () => {
  t = await startListening()
  verifier = openFor(t.issuer, t)
})
after(async () => {
  verifier.close()
  await t.close()
})

const signIn = async (username: string): Promise<string> =>
  (await t.call('POST', 'login', { body: { username, password } })).body.access_token

const refresh = async ({ refresh }: Caller): Promise<string> =>
  (await t.call('POST', 'refresh', { body: { refresh_token: refresh } })).body.access_token

/** The token becomes so after the event was answered. */
const becomes = (token: string, told: string): Promise<number> =>
  until(told, async () => (await judge(verifier, token)) === told)

const known = async (name: string): Promise<Caller> => {
  const caller = await signUp(t, name)
  assert.equal(await judge(verifier, caller.access), '200')
  return caller
}

test('a logout ends the token elsewhere, and no other session of that user', async () => {
  const caller = await known('ann')
  const other = await signIn('ann')
  await t.call('POST', 'logout', { token: caller.access })
  await becomes(caller.access, 'session_ended session_ended')
  assert.equal(await judge(verifier, other), '200')
})

test('a new password ends what was before, and the new pair is let in at once', async () => {
  const caller = await known('bea')
  const { body } = await t.call('PUT', 'me/password', {
    token: caller.access,
    body: { current_password: password, new_password: `${password} 2` },
  })
  assert.equal(await judge(verifier, body.access_token), '200')
  await becomes(caller.access, 'session_ended session_ended')
  assert.equal(await judge(verifier, body.access_token), '200')
})

test('a user who was disabled and enabled again: old tokens stay ended, new ones are let in', async () => {
  const caller = await known('carl')
  await disableUser(t.engine, { userId: caller.id, origin })
  await becomes(caller.access, 'session_ended session_ended')
  await enableUser(t.engine, { userId: caller.id, origin })
  const token = await signIn('carl')
  assert.equal(await judge(verifier, token), '200')
  assert.equal(await judge(verifier, caller.access), 'session_ended session_ended')
})

test('a change of roles: the token is stale, and the one after a refresh has the new roles', async () => {
  const caller = await known('dora')
  await changeRoles(t.engine, { userId: caller.id, roles: ['moderator'], origin })
  await becomes(caller.access, 'token_stale stale')
  t.clock.advance(1_000)
  await until('it is fresh', () => verifier.age() < 5_000)
  const token = await refresh(caller)
  assert.deepEqual((await verifier.verify(token)).roles, ['moderator'])
  assert.equal(await judge(verifier, caller.access), 'token_stale stale')
})

test('roles changed at one frozen moment: no token from before passes for one from after', async () => {
  const caller = await known('emil')
  const second = await signIn('emil')
  await changeRoles(t.engine, { userId: caller.id, roles: ['moderator'], origin })
  for (const token of [caller.access, second]) await becomes(token, 'token_stale stale')
})

describe('a verifier that begins after the event', () => {
  test('knows it from its first list', async () => {
    const caller = await known('fritz')
    await t.call('POST', 'logout', { token: caller.access })
    const late = openFor(t.issuer, t)
    try {
      assert.equal(await judge(late, caller.access), 'session_ended session_ended')
    } finally {
      late.close()
    }
  })
})

test('a revoked signing key: its tokens are refused, and those of its successor are let in', async () => {
  const caller = await known('gina')
  const [head = ''] = caller.access.split('.')
  const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString())
  await revokeKey(t.engine, { kid, origin })
  // Revoked first, and unknown once the list of keys was asked for anew: which of the two is seen is a race.
  const isRefused = async () =>
    /^invalid_token (key_revoked|token_key)$/.test(await judge(verifier, caller.access))
  await until('it is refused', isRefused)
  assert.equal(await judge(verifier, await refresh(caller)), '200')
  assert.deepEqual(verifier.faults, [])
})

test('every key revoked at once: the verifier finds the one that was made for the need', async () => {
  const caller = await known('hugo')
  const rows = await t.engine.db.selectFrom('signing_keys').select(['kid', 'state']).execute()
  for (const { kid, state } of rows) if (state !== 'gone') await revokeKey(t.engine, { kid, origin })
  await until('it is refused', async () => (await judge(verifier, caller.access)).startsWith('invalid_token'))
  await t.engine.keyRing.turn()
  // The refused token may have been of a key that was gone already, and so the one that half a minute looks for.
  t.clock.advance(30_000)
  await untilLetIn(verifier, await refresh(caller))
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { inTransaction } from 'gatewright/transaction'
import { makeCode } from '../../packages/gatewright/src/codes/codes.ts'
import { type Consequence, consequences } from '../../packages/gatewright/src/consequences/table.ts'
import { rememberDevice } from '../../packages/gatewright/src/sessions/known-devices.ts'
import { makeVirtualPasskey } from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { show } from '../sessions/browser.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'
import { plantPasskey } from './registered.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

/** How each event comes about, in the session that it is given. */
const acts = {
  'second factor added': async ({ access }: SignedIn): Promise<Answer> => {
    const { body } = await t.call('POST', 'me/passkeys/options', { token: access })
    const response = makeVirtualPasskey(t.engine.publicUrl).create(body)
    return t.call('POST', 'me/passkeys', { token: access, body: { response } })
  },
  'second factor removed': async ({ access, userId }: SignedIn): Promise<Answer> => {
    const { id } = await plantPasskey(t.engine, userId)
    return t.call('DELETE', `me/passkeys/${id}`, { token: access })
  },
} as const

const stateOf = async ({ access }: SignedIn): Promise<string> =>
  show(await t.call('GET', 'me', { token: access }))

/** A user with two sessions, a known browser and an open link, after the event. */
const play = async (event: keyof typeof acts) => {
  const { id: userId } = await addUser(t.engine, freshName())
  const [self, other] = [await signInAs(t.engine, userId), await signInAs(t.engine, userId)]
  await inTransaction(t.engine.db, async work => {
    await makeCode(t.engine, work, { purpose: 'reset-password', user: { id: userId, version: 1 } })
    await makeCode(t.engine, work, {
      purpose: 'passkey-step-up',
      user: { id: userId, version: 1 },
      sessionId: other.sessionId,
    })
    await rememberDevice(t.engine, work, { id: freshName(), userId }, { shown: undefined, known: undefined })
  })
  const answer = await acts[event](self)
  assert.equal(answer.status, 200, answer.text)
  const count = async (table: 'codes' | 'known_devices') =>
    (await t.engine.db.selectFrom(table).select('id').where('user_id', '=', userId).execute()).length
  return { answer, self, other, codes: await count('codes'), devices: await count('known_devices') }
}

for (const event of ['second factor added', 'second factor removed'] as const)
  describe(`of a passkey: ${event}`, () => {
    const row: Consequence = consequences[event]
    test(`this session: ${row.thisSession}`, async () => {
      const { self, answer } = await play(event)
      assert.equal(row.thisSession, 'new id')
      assert.equal(await stateOf(self), '401 session_ended')
      assert.equal(await stateOf({ ...self, access: answer.body.access_token }), '200')
    })

    test(`other sessions: ${row.otherSessions}`, async () => {
      const { other } = await play(event)
      assert.equal(await stateOf(other), row.otherSessions === 'end' ? '401 session_ended' : '200')
    })

    test(`open codes and links: ${row.codesAndLinks}`, async () => {
      assert.equal(row.codesAndLinks, 'end')
      assert.equal((await play(event)).codes, 0)
    })

    test(`known devices: ${row.knownDevices}`, async () => {
      assert.equal((await play(event)).devices, row.knownDevices === 'end' ? 0 : 1)
    })
  })

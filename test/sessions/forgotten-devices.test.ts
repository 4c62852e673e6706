import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { plantDevice } from './given-device.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const join = (): Promise<Caller> => signUp(t, freshName())

const listOf = async ({ access }: Caller) =>
  (await t.call('GET', 'me/known-devices', { token: access })).body.known_devices

const idsOf = async (caller: Caller): Promise<readonly string[]> =>
  (await listOf(caller)).map(({ id }: { readonly id: string }) => id)

const forget = ({ access }: Caller, id: string): Promise<Answer> =>
  t.call('DELETE', `me/known-devices/${id}`, { token: access })

const undo = ({ access }: Caller, undo_token: string): Promise<Answer> =>
  t.call('POST', 'me/known-devices/undo', { token: access, body: { undo_token } })

const codeOf = ({ status, body }: Answer): string | number => body?.code ?? status

/** A browser that signs in and keeps its cookie. */
const enter = (username: string, cookie = '') =>
  t.call('POST', 'sessions', {
    headers: { cookie, 'user-agent': 'Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0' },
    body: { username, password },
  })

const deviceCookieOf = ({ headers }: Answer): string =>
  [headers['set-cookie'] ?? []]
    .flat()
    .map(String)
    .find(text => text.startsWith('gw_device='))
    ?.split(';')[0] ?? ''

test('a known device is named as its newest sign-in named it, and stands in nobody else’s list', async () => {
  const owner = await join()
  await enter(owner.username)
  const found = (await listOf(owner)).filter(
    ({ program }: { readonly program: string }) => program === 'Firefox',
  )
  assert.equal(found.length, 1)
  assert.equal(found[0].system, 'Windows')
  assert.equal(found[0].address, '127.0.0.1')
  assert.deepEqual(
    (await idsOf(await join())).filter(id => id === found[0].id),
    [],
  )
})

test('a device that is forgotten is a new one at its next sign-in; brought back, it is known again', async () => {
  const owner = await join()
  const cookie = deviceCookieOf(await enter(owner.username))
  const known = await idsOf(owner)
  const { secret_hash } = await t.engine.db
    .selectFrom('known_devices')
    .select('secret_hash')
    .where('user_id', '=', owner.id)
    .orderBy('created_at', 'desc')
    .executeTakeFirstOrThrow()
  const tokens: string[] = []
  for (const id of known) tokens.push((await forget(owner, id)).body.undo_token)
  assert.deepEqual(await idsOf(owner), [])
  for (const token of tokens) assert.equal((await undo(owner, token)).status, 204)
  assert.deepEqual((await idsOf(owner)).toSorted(), known.toSorted())
  const again = deviceCookieOf(await enter(owner.username, cookie))
  assert.equal(again, cookie, 'the browser keeps its secret')
  const rows = await t.engine.db
    .selectFrom('known_devices')
    .select('id')
    .where('secret_hash', '=', secret_hash)
    .execute()
  assert.equal(rows.length, 1)
})

test('a secret that was forgotten is never taken up again', async () => {
  const owner = await join()
  const cookie = deviceCookieOf(await enter(owner.username))
  for (const id of await idsOf(owner)) await forget(owner, id)
  const next = deviceCookieOf(await enter(owner.username, cookie))
  assert.notEqual(next, cookie)
})

test('it is brought back once, within ten minutes, and by nobody else', async () => {
  const owner = await join()
  const [first, second] = [await plantDevice(t.engine, owner.id), await plantDevice(t.engine, owner.id)]
  const token = (await forget(owner, first)).body.undo_token
  assert.equal(codeOf(await undo(await join(), token)), 'invalid_link')
  const answers = await Promise.all([undo(owner, token), undo(owner, token), undo(owner, token)])
  assert.deepEqual(answers.map(codeOf).toSorted(), [204, 'invalid_link', 'invalid_link'])
  const late = (await forget(owner, second)).body.undo_token
  t.clock.advance(10 * minute)
  const { access_token: access } = (
    await t.call('POST', 'refresh', { body: { refresh_token: owner.refresh } })
  ).body
  assert.notEqual((await undo({ ...owner, access }, late)).status, 204)
  assert.ok(!(await idsOf({ ...owner, access })).includes(second))
})

test('a new password ends the way back, as it ends every code', async () => {
  const owner = await join()
  const token = (await forget(owner, await plantDevice(t.engine, owner.id))).body.undo_token
  const changed = await t.call('PUT', 'me/password', {
    token: owner.access,
    body: { current_password: password, new_password: 'another password, longer still' },
  })
  assert.equal(changed.status, 200)
  const answer = await undo({ ...owner, access: changed.body.access_token }, token)
  assert.equal(codeOf(answer), 'invalid_link')
  assert.equal(
    (await t.engine.db.selectFrom('codes').select('id').where('user_id', '=', owner.id).execute()).length,
    0,
  )
})

test('a thief who has no recent proof forgets nothing, and a device of somebody else is none', async () => {
  const [owner, other] = [await join(), await join()]
  const device = await plantDevice(t.engine, owner.id)
  assert.equal(codeOf(await forget(other, device)), 'not_found')
  t.clock.advance(11 * minute)
  const { body } = await t.call('POST', 'refresh', { body: { refresh_token: owner.refresh } })
  const stale = { ...owner, access: body.access_token }
  assert.equal(codeOf(await forget(stale, device)), 'insufficient_user_authentication')
  assert.ok((await idsOf(stale)).includes(device))
})

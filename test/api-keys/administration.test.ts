import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { revokeApiKey } from '../../packages/gatewright/src/administration/api-keys.ts'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { makeApiKey } from '../../packages/gatewright/src/administration/make-api-key.ts'
import { disableService } from '../../packages/gatewright/src/administration/services.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { addService } from '../administration/added-service.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { giveAddress } from '../mail/given-link.ts'
import { linkTo, mailTo } from '../mail/person.ts'
import { freshName, sessionIdOf } from '../senders.ts'
import { giveKeyWithId } from './given.ts'

let t: TestApp
let root: Caller
let ann: Caller
before(async () => {
  t = await startTestApp()
  root = await signUp(t, freshName(), ['admin'])
  ann = await signUp(t, freshName())
})
after(() => t.close())

const codeOf = ({ status, body }: Answer): string => `${status} ${body?.code}`
const statusOf = async (key: string): Promise<number> =>
  (await t.call('GET', 'protected', { headers: { 'x-api-key': key } })).status

const makeFor = (owner_id: string, permissions: readonly string[] = [], { access }: Caller = root) =>
  t.call('POST', 'admin/api-keys', { token: access, body: { owner_id, name: 'nightly', permissions } })

const rotate = (id: string): Promise<Answer> =>
  t.call('POST', `admin/api-keys/${id}/rotate`, { token: root.access })
const revoke = (id: string, { access }: Caller = root): Promise<Answer> =>
  t.call('DELETE', `admin/api-keys/${id}`, { token: access })

describe('a key of a service', () => {
  test('is made by an administrator, acts as the service, and never does more than its roles allow', async () => {
    const service = await addService(t.engine, ['moderator'])
    const { status, body } = await makeFor(service.id, ['posts:moderate'])
    assert.equal(status, 201)
    const { body: shown } = await t.call('GET', 'protected', { headers: { 'x-api-key': body.key } })
    assert.deepEqual(shown.permissions, ['posts:moderate'])
    assert.equal(shown.user.id, service.id)
    assert.equal(codeOf(await makeFor(service.id, ['users:write'])), '403 insufficient_permission')
    assert.equal(codeOf(await makeFor(service.id, ['nothing:there'])), '400 validation_failed')
  })

  test('is rotated by an administrator, and ends with the service', async () => {
    const service = await addService(t.engine)
    const { body } = await makeFor(service.id, ['todos:read'])
    const { body: successor } = await rotate(body.id)
    assert.deepEqual([await statusOf(body.key), await statusOf(successor.key)], [200, 200])
    await disableService(t.engine, { serviceId: service.id, origin })
    assert.deepEqual([await statusOf(body.key), await statusOf(successor.key)], [401, 401])
    assert.equal(codeOf(await makeFor(service.id)), '409 conflict')
  })
})

describe('planted key: one of a service, made in a stolen session of an administrator', () => {
  test('is told to that administrator, whose “that wasn’t me” ends it and what was made since, and nothing from before', async () => {
    const chief = await signUp(t, freshName(), ['admin'])
    const email = `${chief.username}@example.org`
    await giveAddress(t.engine, chief.id, email)
    const [one, two] = [await addService(t.engine), await addService(t.engine)]
    const before = (await makeFor(one.id, [], chief)).body.key
    t.clock.advance(1_000)
    let now = t.clock.now()
    // Each look at the clock is a millisecond after the one before, as on a machine.
    const clock = { ...t.engine.clock, now: () => now++ }
    const caller = { userId: chief.id, sessionId: sessionIdOf(chief.access) }
    const asked = { name: 'planted', permissions: [], expiresAt: null, allowedAddresses: [] }
    const { key: planted } = await makeApiKey(
      { ...t.engine, clock },
      { ownerId: one.id, caller, origin },
      asked,
    )
    t.clock.advance(1_000)
    const token = await linkTo(t, email, 'not-me')
    const { body: later } = await makeFor(two.id, [], chief)
    const notOurs = (await makeFor(two.id)).body.key
    const mails = await mailTo(t, email)
    assert.deepEqual(
      mails.map(({ subject }) => subject),
      Array(3).fill('You made an API key for a service'),
    )
    assert.equal((await t.call('POST', 'email/not-me', { body: { token } })).status, 200)
    assert.deepEqual(
      await Promise.all([before, planted, later.key, notOurs].map(statusOf)),
      [200, 401, 401, 200],
    )
  })
})

describe('no way up', () => {
  test('nobody makes or rotates a key in the name of a person', async () => {
    assert.equal(codeOf(await makeFor(ann.id)), '409 conflict')
    const { id } = await giveKeyWithId(t, ann.id)
    assert.equal(codeOf(await rotate(id)), '409 conflict')
    assert.equal(codeOf(await makeFor('AAAAAAAAAAAAAAAAAAAAAA')), '404 not_found')
  })

  test('whoever may less than a service neither makes nor ends its keys', async () => {
    const own = await addService(t.engine, ['admin'])
    const { id, key } = await giveKeyWithId(t, own.id)
    const helper = await signUp(t, freshName(), ['moderator'])
    const caller = { userId: helper.id, sessionId: '' }
    await assert.rejects(revokeApiKey(t.engine, { ownerId: own.id, caller, keyId: id, origin }), {
      code: 'session_ended',
    })
    assert.equal(codeOf(await revoke(id, helper)), '403 insufficient_permission')
    assert.equal(codeOf(await makeFor(own.id, [], helper)), '403 insufficient_permission')
    assert.equal(await statusOf(key), 200)
  })
})

test('no way up: whoever administers keys and may do nothing else takes none of those who may more', async () => {
  const role = { name: 'key-keeper', description: '', permissions: ['api-keys:write'] as const }
  await createRole(t.engine, { ...role, permissions: [...role.permissions] }, origin)
  const keeper = await signUp(t, freshName(), [role.name])
  const own = await addService(t.engine, ['admin'])
  const { id, key } = await giveKeyWithId(t, own.id)
  assert.equal(codeOf(await revoke(id, keeper)), '403 insufficient_permission')
  assert.equal(codeOf(await makeFor(own.id, [], keeper)), '403 insufficient_permission')
  assert.equal(await statusOf(key), 200)
  const lesser = await addService(t.engine, [])
  const theirs = await giveKeyWithId(t, lesser.id)
  assert.equal((await revoke(theirs.id, keeper)).status, 204)
})

test('an administrator revokes anybody’s key, at once', async () => {
  const { id, key } = await giveKeyWithId(t, ann.id)
  assert.equal(await statusOf(key), 200)
  assert.equal((await revoke(id)).status, 204)
  assert.equal(await statusOf(key), 401)
  assert.equal(codeOf(await revoke(id)), '404 not_found')
})

test('keys of everybody are listed by pages, or those of one owner, without anything secret', async () => {
  const ben = await signUp(t, freshName())
  const given = [
    await giveKeyWithId(t, ben.id),
    await giveKeyWithId(t, ben.id),
    await giveKeyWithId(t, ben.id),
  ]
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const query: string = new URLSearchParams({
      limit: '2',
      owner_id: ben.id,
      ...(cursor && { cursor }),
    }).toString()
    const { body, text } = await t.call('GET', `admin/api-keys?${query}`, { token: root.access })
    for (const { key } of given) assert.ok(!text.includes(key.slice(30)))
    for (const row of body.data) {
      seen.push(row.id)
      assert.deepEqual(row.owner, { id: ben.id, username: ben.username, kind: 'user' })
    }
    cursor = body.next_cursor
  } while (cursor !== null)
  assert.deepEqual(seen.sort(), given.map(({ id }) => id).sort())
  const { body: all } = await t.call('GET', 'admin/api-keys?limit=100', { token: root.access })
  assert.ok(all.data.length > 3)
})

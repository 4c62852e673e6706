import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, hour, minute, second, toTimestamp } from 'gatewright/clock'
import { changeRoles } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { newId } from '../../packages/gatewright/src/ground/random.ts'
import { parseApiKey } from '../../packages/gatewright/src/tokens/api-key.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName, sessionIdOf, signInAgain } from '../senders.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const join = async (roles?: readonly string[]): Promise<Caller> => {
  ann = await signUp(t, freshName(), roles)
  return ann
}

type Asked = Readonly<Record<string, unknown>>

const make = (asked: Asked = {}, { access }: Pick<Caller, 'access'> = ann): Promise<Answer> =>
  t.call('POST', 'api-keys', {
    token: access,
    body: { name: 'report', permissions: ['todos:read'], ...asked },
  })

const rotate = (id: string, body?: unknown, { access }: Caller = ann): Promise<Answer> =>
  t.call('POST', `api-keys/${id}/rotate`, { token: access, body })

const revoke = (id: string, { access }: Caller = ann): Promise<Answer> =>
  t.call('DELETE', `api-keys/${id}`, { token: access })

const list = async ({ access }: Caller = ann) =>
  (await t.call('GET', 'api-keys', { token: access })).body.api_keys

const statusOf = async (key: string): Promise<number> =>
  (await t.call('GET', 'protected', { headers: { 'x-api-key': key } })).status

const codeOf = ({ status, body }: Answer): string => `${status} ${body.code}`

describe('a key that was made', () => {
  before(async () => void (await join()))

  test('is shown once, works at once, and stands in the list without itself', async () => {
    const asked = {
      permissions: ['todos:write', 'todos:read', 'todos:read'],
      expires_at: toTimestamp(t.clock.now() + day),
      allowed_addresses: ['127.0.0.1', '2001:db8::/32'],
    }
    const { status, body } = await make(asked)
    assert.equal(status, 201)
    const { key, ...view } = body
    assert.equal(await statusOf(key), 200)
    assert.ok(key.startsWith(view.prefix))
    assert.deepEqual(view.permissions, ['todos:read', 'todos:write'])
    assert.deepEqual(view.allowed_addresses, ['127.0.0.1', '2001:db8::/32'])
    assert.equal(view.expires_at, asked.expires_at)
    const now = toTimestamp(t.clock.now())
    const used = { ...view, last_used_at: now, last_used_address: '127.0.0.1' }
    assert.deepEqual(await list(), [used])
  })

  test('is nowhere in the database: its SHA-256 is', async () => {
    const { body } = await make()
    const row = await t.engine.db
      .selectFrom('api_keys')
      .selectAll()
      .where('id', '=', body.id)
      .executeTakeFirstOrThrow()
    assert.equal(row.secret_hash, parseApiKey(body.key)?.hash)
    assert.ok(!JSON.stringify(row).includes(body.key.slice(30, 60)))
  })

  test('is told to its owner by mail, with a link for whoever did not do that', async () => {
    const { id } = await join()
    const email = { email: `${id}@example.org`, email_key: `${id}@example.org`, email_verified_at: 1 }
    await t.engine.db.updateTable('users').set(email).where('id', '=', id).execute()
    await make({ name: 'nightly' })
    const mail = (await t.deliverMail()).at(-1)
    assert.equal(mail?.to, email.email)
    assert.match(mail?.text ?? '', /nightly/)
    assert.match(mail?.text ?? '', /not-me#/)
  })
})

describe('permission widening', () => {
  before(async () => void (await join()))

  const rows: readonly (readonly [asked: Asked, code: string])[] = [
    [{ permissions: ['posts:moderate'] }, '403 insufficient_permission'],
    [{ permissions: ['todos:read', 'users:write'] }, '403 insufficient_permission'],
    [{ permissions: ['todos:destroy'] }, '400 validation_failed'],
    [{ permissions: ['constructor'] }, '400 validation_failed'],
    [{ permissions: [''] }, '400 validation_failed'],
    [{ permissions: ['todos:read todos:write'] }, '400 validation_failed'],
    [{ permissions: 'todos:read' }, '400 validation_failed'],
    [{ name: '' }, '400 validation_failed'],
    [{ name: '  ' }, '400 validation_failed'],
    [{ name: 'two\nlines' }, '400 validation_failed'],
    [{ name: 'turned \u202e round' }, '400 validation_failed'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, '400 validation_failed'],
    [{ expires_at: 'tomorrow' }, '400 validation_failed'],
    [{ allowed_addresses: ['192.0.2.7/24'] }, '400 validation_failed'],
    [{ allowed_addresses: ['localhost'] }, '400 validation_failed'],
    [{ allowed_addresses: ['192.0.2.7 198.51.100.7'] }, '400 validation_failed'],
    [{ user_id: 'another' }, '400 validation_failed'],
    [{ id: 'mine' }, '400 validation_failed'],
  ]
  for (const [asked, code] of rows)
    test(`${JSON.stringify(asked)}: ${code}`, async () => assert.equal(codeOf(await make(asked)), code))

  test('a role that was taken away is taken from the key, which gets it back with its owner', async () => {
    const { id } = await join(['user', 'moderator'])
    const { body } = await make({ permissions: ['posts:moderate'] })
    const held = async (): Promise<readonly string[]> =>
      (await t.call('GET', 'protected', { headers: { 'x-api-key': body.key } })).body.permissions
    assert.deepEqual(await held(), ['posts:moderate'])
    await changeRoles(t.engine, { userId: id, roles: ['user'], origin })
    assert.deepEqual(await held(), [])
    const { body: successor } = await rotate(body.id)
    assert.deepEqual(successor.permissions, [])
    await changeRoles(t.engine, { userId: id, roles: ['user', 'moderator'], origin })
    assert.deepEqual(await held(), ['posts:moderate'])
  })

  test('with ADMIN_SECOND_FACTOR=required a session without a factor gives no administrative permission', async () => {
    const strict = await startTestApp({ adminSecondFactor: 'required' })
    const root = await signUp(strict, freshName(), ['admin'])
    const ask = (permissions: readonly string[]) =>
      strict.call('POST', 'api-keys', { token: root.access, body: { name: 'k', permissions } })
    assert.equal(codeOf(await ask(['users:write'])), '403 second_factor_required')
    assert.equal((await ask(['posts:moderate'])).status, 201)
    await strict.close()
  })
})

describe('a recent proof of the person', () => {
  test('is asked for to make, to rotate and to revoke', async () => {
    await join()
    const { body } = await make()
    t.clock.advance(11 * minute)
    await t.call('GET', 'me', { token: ann.access })
    const refreshed = await t.call('POST', 'refresh', { body: { refresh_token: ann.refresh } })
    const old = { ...ann, access: refreshed.body.access_token }
    for (const answer of [
      await make({}, old),
      await rotate(body.id, undefined, old),
      await revoke(body.id, old),
    ])
      assert.equal(codeOf(answer), '401 insufficient_user_authentication')
    assert.equal((await list(old)).length, 1)
  })

  test('is not there in a session from before the second factor', async () => {
    await join()
    await plantTotp(t.engine, ann.id)
    await t.engine.db.updateTable('sessions').set({ amr: 'pwd' }).where('user_id', '=', ann.id).execute()
    assert.equal(codeOf(await make()), '401 insufficient_user_authentication')
  })
})

test('a key is no way to more keys, to sessions, to factors or to the account', async () => {
  await join(['admin'])
  const { body } = await make({ permissions: [...t.engine.roleTable.permissions.keys()] })
  const headers = { 'x-api-key': body.key }
  const routes = t.app.routeTable.routes.filter(({ url }) => /v1\/(me|sessions|api-keys|step-up)/.test(url))
  assert.ok(routes.length > 20)
  for (const { method, url } of routes) {
    const answer = await t.call(method, url.replace(':id', body.id), { headers, body: {} })
    assert.equal(
      method === 'HEAD' ? answer.status : codeOf(answer),
      method === 'HEAD' ? 403 : '403 insufficient_permission',
      `${method} ${url}`,
    )
  }
})

describe('revoking', () => {
  before(async () => void (await join()))

  test('ends the key at once, and no second time', async () => {
    const { body } = await make()
    assert.equal(await statusOf(body.key), 200)
    assert.equal((await revoke(body.id)).status, 204)
    assert.equal(await statusOf(body.key), 401)
    assert.equal(codeOf(await revoke(body.id)), '404 not_found')
    const [row] = await list()
    assert.deepEqual([row.state, row.end_reason], ['ended', 'revoked'])
  })

  test('hidden key: one that goes on is listed behind any number that were made and revoked since', async () => {
    const { id } = (await make()).body
    t.clock.advance(second)
    const rows = Array.from({ length: 210 }, () => ({
      id: newId(t.engine.random),
      created_at: t.clock.now(),
    }))
    const same = { user_id: ann.id, name: 'noise', secret_hash: '', permissions: '' }
    const ended = { allowed_addresses: '', address: '', has_factor: 0, ended_at: t.clock.now() }
    await t.engine.db
      .insertInto('api_keys')
      .values(rows.map(row => ({ ...row, ...same, ...ended })))
      .execute()
    const listed = await list()
    assert.ok(listed.some((row: { id: string }) => row.id === id))
    assert.deepEqual(
      listed.map((row: { created_at: string }) => row.created_at),
      listed
        .map((row: { created_at: string }) => row.created_at)
        .toSorted()
        .toReversed(),
    )
  })

  test('another’s key is not there', async () => {
    const { body } = await make()
    const owner = ann
    const ben = await join()
    assert.equal(codeOf(await revoke(body.id, ben)), '404 not_found')
    assert.equal(codeOf(await rotate(body.id, undefined, ben)), '404 not_found')
    assert.deepEqual(await list(ben), [])
    assert.equal(await statusOf(body.key), 200)
    ann = owner
  })

  test('a session that ended meanwhile revokes nothing', async () => {
    const { body } = await make()
    const { access } = ann
    await t.call('POST', 'logout', { token: access })
    assert.equal(codeOf(await revoke(body.id)), '401 session_ended')
    assert.equal(await statusOf(body.key), 200)
  })
})

describe('rotation', () => {
  before(async () => void (await join()))

  test('gives another key for the same, and leaves the old one until its time', async () => {
    const allowed_addresses = ['127.0.0.0/8']
    const { body: old } = await make({ allowed_addresses })
    assert.equal(await statusOf(old.key), 200)
    const { status, body } = await rotate(old.id, { overlap: hour / second })
    assert.equal(status, 201)
    assert.notEqual(body.key, old.key)
    assert.deepEqual([body.replaces, body.name, body.permissions], [old.id, old.name, old.permissions])
    assert.deepEqual(body.allowed_addresses, allowed_addresses)
    const end = toTimestamp(t.clock.now() + hour)
    assert.equal(body.replaced_ends_at, end)
    const listed = (await list()).find((row: { id: string }) => row.id === old.id)
    assert.deepEqual([listed.state, listed.expires_at, listed.replaced_by], ['replaced', end, body.id])
    t.clock.advance(hour - 1)
    assert.deepEqual([await statusOf(old.key), await statusOf(body.key)], [200, 200])
    t.clock.advance(1)
    assert.deepEqual([await statusOf(old.key), await statusOf(body.key)], [401, 200])
  })

  test('stale cache: a process that knows the old key goes by its new end', async () => {
    await join()
    const { body: old } = await make()
    assert.equal(await statusOf(old.key), 200)
    await rotate(old.id, { overlap: 1 })
    t.clock.advance(second)
    assert.equal(await statusOf(old.key), 401)
  })

  test('never beyond the last moment that an answer can write', async () => {
    await join()
    const { body } = await make({ expires_at: '9999-12-31T23:59:59.999Z' })
    t.clock.advance(minute)
    const rotated = await rotate(body.id)
    assert.equal(rotated.body.expires_at, '9999-12-31T23:59:59.999Z')
  })

  test('without an overlap ends the old one at once; without a word it goes on for a day', async () => {
    await join()
    const { body: first } = await make()
    assert.equal(await statusOf(first.key), 200)
    const { body: second } = await rotate(first.id, { overlap: 0 })
    assert.deepEqual([await statusOf(first.key), await statusOf(second.key)], [401, 200])
    const { body: third } = await rotate(second.id)
    assert.equal(third.replaced_ends_at, toTimestamp(t.clock.now() + day))
  })

  test('has an overlap of seven days at most, and never beyond what the key had', async () => {
    await join()
    const { body } = await make({ expires_at: toTimestamp(t.clock.now() + hour) })
    assert.equal(codeOf(await rotate(body.id, { overlap: (7 * day) / second + 1 })), '400 validation_failed')
    assert.equal(codeOf(await rotate(body.id, { overlap: -1 })), '400 validation_failed')
    const { body: successor } = await rotate(body.id, { overlap: day / second })
    assert.equal(successor.replaced_ends_at, body.expires_at)
    assert.equal(successor.expires_at, body.expires_at)
  })

  test('is not done twice to one key, nor to one that has ended or expired', async () => {
    await join()
    const { body } = await make({ expires_at: toTimestamp(t.clock.now() + hour) })
    await rotate(body.id)
    assert.equal(codeOf(await rotate(body.id)), '409 conflict')
    await revoke(body.id)
    assert.equal(codeOf(await rotate(body.id)), '404 not_found')
    const { body: other } = await make({ expires_at: toTimestamp(t.clock.now() + minute) })
    t.clock.advance(minute)
    assert.equal(codeOf(await rotate(other.id)), '404 not_found')
  })

  test('keeps two of one key at most: the one before the old one ends', async () => {
    await join()
    const { body: first } = await make()
    const { body: second } = await rotate(first.id)
    const { body: third } = await rotate(second.id)
    const statuses = [await statusOf(first.key), await statusOf(second.key), await statusOf(third.key)]
    assert.deepEqual(statuses, [401, 200, 200])
  })

  for (const which of ['old', 'new'] as const)
    test(`and revoking the ${which} one ends both`, async () => {
      await join()
      const { body: old } = await make()
      const { body: successor } = await rotate(old.id)
      assert.equal((await revoke({ old, new: successor }[which].id)).status, 204)
      assert.deepEqual([await statusOf(old.key), await statusOf(successor.key)], [401, 401])
    })
})

describe('as many as there may be', () => {
  test('are fifty live ones, whoever asks at once; those that are being replaced do not count', async () => {
    await join()
    const answers = await Promise.all(Array.from({ length: 60 }, () => make()))
    const made = answers.filter(({ status }) => status === 201)
    assert.equal(made.length, 50)
    for (const answer of answers.filter(({ status }) => status !== 201))
      assert.equal(codeOf(answer), '409 conflict')
    assert.equal((await rotate(made[0]?.body.id)).status, 201)
    assert.equal(codeOf(await make()), '409 conflict')
    await revoke(made[1]?.body.id)
    assert.equal((await make()).status, 201)
  })
})

describe('race of rotation and revocation', () => {
  test('whichever comes first, no key lives that was not shown as live', async () => {
    await join()
    for (let round = 0; round < 15; round++) {
      const { body: old } = await make()
      const [rotated, revoked] = await Promise.all([rotate(old.id), revoke(old.id)])
      assert.equal(revoked.status, 204)
      assert.equal(await statusOf(old.key), 401)
      if (rotated.status === 201) assert.equal(await statusOf(rotated.body.key), 401)
      else assert.equal(codeOf(rotated), '404 not_found')
    }
  })

  test('of many who rotate one key at once, one does', async () => {
    await join()
    const { body: old } = await make()
    const answers = await Promise.all(Array.from({ length: 8 }, () => rotate(old.id)))
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
    assert.equal(answers.filter(({ status }) => status === 409).length, 7)
  })
})

test('a key is made in a session that goes on, or not at all', async () => {
  await join()
  const again = await signInAgain(t, ann)
  const ending = t.call('DELETE', `sessions/${sessionIdOf(again.access)}`, { token: ann.access })
  const [, made] = await Promise.all([ending, make({}, again)])
  if (made.status !== 201) assert.equal(codeOf(made), '401 session_ended')
})

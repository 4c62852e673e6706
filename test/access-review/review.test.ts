import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { day, minute } from 'gatewright/clock'
import { type FindingKind, findingKinds } from '../../packages/gatewright/src/access-review/finding.ts'
import { reviewAccess } from '../../packages/gatewright/src/access-review/review.ts'
import { changeRole, createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { createService } from '../../packages/gatewright/src/administration/services.ts'
import { changeRoles, disableUser, enableUser } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { toTimestamp } from '../../packages/gatewright/src/ground/clock.ts'
import { giveKeyWithId } from '../api-keys/given.ts'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let root: Caller
/** When the installation began. */
let begin: number
before(async () => {
  t = await startTestApp()
  begin = t.clock.now()
  root = await signUp(t, 'root', ['admin', 'user'])
})
after(() => t.close())

const signInAgain = async (caller: Caller): Promise<Caller> => {
  const { body } = await t.call('POST', 'login', { body: { username: caller.username, password } })
  return { ...caller, access: body.access_token, refresh: body.refresh_token }
}

/** A service's key uses this; who uses it counts as used. */
const note = async (kind: 'user' | 'api-key' | 'role', id: string, ...permissions: readonly string[]) => {
  for (const permission of permissions) t.engine.permissionUses.note(kind, id, permission)
  await t.engine.permissionUses.write()
}

const find = async (kind: FindingKind, id?: string, days = 90) => {
  const { findings } = await reviewAccess(t.engine, days)
  const found = findings.filter(finding => finding.kind === kind)
  return id === undefined ? found : found.filter(({ subject }) => subject.id === id)
}
const has = async (kind: FindingKind, id: string, days = 90): Promise<boolean> =>
  (await find(kind, id, days)).length > 0

describe('nothing is called unused', () => {
  test('before uses were noted for so long, however old it is', async () => {
    const old = await signUp(t, 'old', ['moderator', 'user'])
    await t.engine.db
      .updateTable('user_roles')
      .set({ granted_at: null })
      .where('user_id', '=', old.id)
      .execute()
    t.clock.advance(30 * day)
    assert.equal(await has('unused-role', old.id, 90), false)
    assert.equal(await has('unused-role', old.id, 29), true, 'and after that long it is')
    assert.equal(await has('unused-role', old.id, 31), false)
  })

  test('that was granted later than that', async () => {
    const fresh = await signUp(t, 'fresh', ['moderator', 'user'])
    t.clock.advance(2 * day)
    assert.equal(await has('unused-role', fresh.id, 10), false)
    assert.equal(await has('unused-role', fresh.id, 1), true)
    await changeRoles(t.engine, { userId: fresh.id, roles: ['moderator', 'user', 'admin'], origin })
    const [kept] = await find('unused-role', fresh.id, 1)
    assert.equal(kept?.role, 'moderator', 'a role that was kept is as old as it was')
  })

  test('that was used on the last day that counts, and the day after it is', async () => {
    const mia = await signUp(t, 'mia', ['moderator', 'user'])
    t.clock.advance(20 * day)
    await note('user', mia.id, 'posts:moderate')
    t.clock.advance(10 * day)
    assert.equal(await has('unused-role', mia.id, 10), false)
    t.clock.advance(day)
    const [finding] = await find('unused-role', mia.id, 10)
    assert.equal(
      toTimestamp(finding?.lastUsedAt ?? 0).slice(0, 10),
      toTimestamp(t.clock.now() - 11 * day).slice(0, 10),
    )
  })

  test('of a role that everybody has, or that allows no more', async () => {
    const plain = await signUp(t, 'plain')
    t.clock.advance(100 * day)
    assert.equal(await has('unused-role', plain.id), false)
  })
})

describe('a review finds', () => {
  test('what somebody uses of a role in part, and what nobody uses of it', async () => {
    await createRole(
      t.engine,
      { name: 'desk', description: '', permissions: ['users:read', 'sessions:write', 'audit:read'] },
      origin,
    )
    const dan = await signUp(t, 'dan', ['desk', 'user'])
    t.clock.advance(100 * day)
    await note('user', dan.id, 'audit:read')
    await note('role', 'desk', 'audit:read')
    const [own] = await find('partly-used-role', dan.id)
    assert.deepEqual([own?.role, own?.unused], ['desk', ['sessions:write']])
    const [role] = await find('unused-permission', 'desk')
    assert.deepEqual([role?.unused, role?.others], [['sessions:write'], ['audit:read', 'users:read']])
    await changeRole(t.engine, { name: 'desk', permissions: ['audit:read'], origin })
    assert.deepEqual(
      [await has('partly-used-role', dan.id), await has('unused-permission', 'desk')],
      [false, false],
    )
  })

  test('roles that nobody has, once they are old enough', async () => {
    await createRole(t.engine, { name: 'empty', description: '', permissions: ['audit:read'] }, origin)
    assert.equal(await has('unheld-role', 'empty'), false)
    t.clock.advance(92 * day)
    assert.equal(await has('unheld-role', 'empty'), true)
  })

  test('administrators without a second factor, and no others', async () => {
    const eve = await signUp(t, 'eve', ['admin'])
    const service = await createService(t.engine, { name: 'robot', roles: ['admin'] }, origin)
    const plain = await signUp(t, 'plain2', ['moderator'])
    const found = (await find('administrator-without-factor')).map(({ subject }) => subject.id)
    assert.ok(found.includes(eve.id))
    assert.ok(!found.includes(service.id), 'a service has no factors')
    assert.ok(!found.includes(plain.id))
    await t.engine.db
      .insertInto('totp_factors')
      .values({ id: 'f', user_id: eve.id, secret: '', last_step: 0, created_at: 0, last_used_at: 0 })
      .execute()
    assert.equal(await has('administrator-without-factor', eve.id), false)
  })

  test('users and services that are disabled and hold roles, and nothing else of them', async () => {
    const gone = await signUp(t, 'gone', ['moderator', 'user'])
    const off = await signUp(t, 'off', ['user'])
    for (const { id } of [gone, off]) await disableUser(t.engine, { userId: id, origin })
    t.clock.advance(100 * day)
    assert.deepEqual((await find('disabled-with-roles', gone.id))[0]?.granted, ['moderator'])
    assert.equal(await has('disabled-with-roles', off.id), false)
    assert.equal(await has('unused-role', gone.id), false)
    await enableUser(t.engine, { userId: gone.id, origin })
    assert.equal(await has('disabled-with-roles', gone.id), false)
    assert.equal(await has('unused-role', gone.id), true)
  })

  test('keys: unused, in part, without an end, for very long, wide from everywhere', async () => {
    const now = t.clock.now()
    const give = (given: Parameters<typeof giveKeyWithId>[2], owner = root.id) =>
      giveKeyWithId(t, owner, given)
    const soon = now + 200 * day
    const ended = await give({ permissions: ['users:read'], expiresAt: now + 10 * day })
    const used = await give({ permissions: ['users:read', 'posts:write'], expiresAt: soon })
    const never = await give({ permissions: ['users:read'] })
    const long = await give({ permissions: ['users:read'], expiresAt: now + 367 * day })
    const wide = await give({ permissions: ['audit:read', 'users:read'], expiresAt: soon })
    const bounded = await give({
      permissions: ['audit:read'],
      expiresAt: soon,
      allowedAddresses: ['192.0.2.1'],
    })
    const weak = await give({ permissions: ['audit:read'], expiresAt: soon }, (await signUp(t, 'weak')).id)
    t.clock.advance(100 * day)
    const use = { last_used_at: t.clock.now() - day }
    await t.engine.db.updateTable('api_keys').set(use).where('id', '=', used.id).execute()
    await note('api-key', used.id, 'users:read')
    const kindsOf = async (key: { readonly id: string }) =>
      (await reviewAccess(t.engine, 90)).findings
        .filter(({ subject }) => subject.id === key.id)
        .map(({ kind }) => kind)
    assert.deepEqual(await kindsOf(ended), [], 'what has ended is past')
    assert.deepEqual(await kindsOf(used), ['partly-used-key'])
    assert.deepEqual((await find('partly-used-key', used.id))[0]?.unused, ['posts:write'])
    assert.deepEqual(await kindsOf(never), ['unused-key', 'lasting-key'])
    assert.deepEqual(await kindsOf(long), ['unused-key', 'lasting-key'])
    assert.deepEqual(await kindsOf(wide), ['unbounded-key', 'unused-key'])
    assert.deepEqual((await find('unbounded-key', wide.id))[0]?.granted, ['audit:read'])
    assert.deepEqual(await kindsOf(bounded), ['unused-key'])
    assert.deepEqual(await kindsOf(weak), ['unused-key'], 'it may no more than its owner')
  })

  test('services that nobody uses, and those whose people are gone', async () => {
    const { db } = t.engine
    const silent = await createService(t.engine, { name: 'silent', roles: [] }, origin)
    const busy = await createService(t.engine, { name: 'busy', roles: [] }, origin)
    const maker = await signUp(t, 'maker')
    const key = await giveKeyWithId(t, busy.id)
    await db.updateTable('api_keys').set({ made_by: maker.id }).where('id', '=', key.id).execute()
    t.clock.advance(91 * day)
    await db.updateTable('api_keys').set({ last_used_at: t.clock.now() }).where('id', '=', key.id).execute()
    assert.deepEqual(
      [await has('silent-service', silent.id), await has('silent-service', busy.id)],
      [true, false],
    )
    assert.equal(await has('ownerless-service', busy.id), true, 'no sign of life')
    await signInAgain(maker)
    assert.equal(await has('ownerless-service', busy.id), false)
    await disableUser(t.engine, { userId: maker.id, origin })
    assert.equal(await has('ownerless-service', busy.id), true)
    assert.equal(await has('ownerless-service', silent.id), false, 'it has no key')
    await db.updateTable('api_keys').set({ made_by: null }).where('id', '=', key.id).execute()
    assert.equal(
      await has('ownerless-service', busy.id),
      false,
      'who made it at the command line is not known',
    )
  })

  test('sessions that go on for very long, and invitations that nobody follows', async () => {
    const { db, clock } = t.engine
    const { id } = await signUp(t, 'lasting')
    const far = { created_at: clock.now() - 91 * day, expires_at: clock.now() + day }
    await db.updateTable('sessions').set(far).where('user_id', '=', id).execute()
    const [session] = await find('lasting-session')
    assert.equal(session?.owner?.id, id)
    await db.updateTable('sessions').set({ ended_at: 1 }).where('user_id', '=', id).execute()
    assert.deepEqual(await find('lasting-session'), [])
    root = await signInAgain(root)
    const email = 'somebody@example.org'
    const made = await t.call('POST', 'admin/users', {
      token: root.access,
      body: { email, roles: ['moderator'] },
    })
    clock.sleep(0)
    t.clock.advance(2 * day)
    assert.equal(await has('open-invitation', made.body.id), false)
    t.clock.advance(2 * day)
    const [invitation] = await find('open-invitation', made.body.id)
    assert.deepEqual([invitation?.granted, invitation?.owner?.name], [['moderator'], 'root'])
    assert.ok(!JSON.stringify(invitation).includes(email), 'whom it is for is nobody’s business here')
    t.clock.advance(4 * day)
    assert.equal(await has('open-invitation', made.body.id), false)
  })
})

describe('over HTTP', () => {
  const read = (query = '', token = root.access) => t.call('GET', `admin/access-review${query}`, { token })
  const sign = (body: object, token = root.access) =>
    t.call('POST', 'admin/access-review/sign-offs', { token, body })
  const listEvents = () =>
    t.engine.db
      .selectFrom('audit_events')
      .selectAll()
      .where('event', '=', 'access-review.signed-off')
      .execute()
  before(async () => {
    root = await signInAgain(root)
  })

  test('every finding is on one page of many, in order, with a sentence, and counts say how many', async () => {
    const seen: { id: string; kind: string; text: string }[] = []
    let cursor: string | null = null
    do {
      const { body } = await read(`?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`)
      seen.push(...body.data)
      cursor = body.next_cursor
    } while (cursor !== null)
    const { review } = (await read()).body
    assert.equal(new Set(seen.map(({ id }) => id)).size, review.total)
    assert.equal(seen.length, review.total)
    const order = seen.map(({ kind }) => findingKinds.indexOf(kind as FindingKind))
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    )
    for (const { text } of seen) assert.match(text, /^[\w"'].{20,}\.$/)
    const { body } = await read('?kind=unused-key&limit=100')
    const counted = review.counts.find(({ kind }: { kind: string }) => kind === 'unused-key')
    assert.equal(body.data.length, counted.findings)
    assert.equal(body.review.digest, review.digest, 'one kind is shown, and all are signed')
    assert.equal(review.uses_noted_since, toTimestamp(begin))
  })

  test('what is asked for wrongly is refused', async () => {
    for (const query of [
      '?unused_for=0d',
      '?unused_for=401d',
      '?unused_for=90',
      '?kind=none',
      '?cursor=x',
      '?limit=101',
      '?all=1',
    ])
      assert.equal((await read(query)).status, 400, query)
    const { next_cursor } = (await read('?limit=1')).body
    assert.equal(
      (await read(`?unused_for=30d&cursor=${next_cursor}`)).status,
      400,
      'a cursor of another review',
    )
  })

  test('who may read it may not sign it: that takes somebody who could change what it shows', async () => {
    await createRole(t.engine, { name: 'auditor', description: '', permissions: ['audit:read'] }, origin)
    await createRole(t.engine, { name: 'helper', description: '', permissions: ['users:write'] }, origin)
    const auditor = await signUp(t, 'auditor', ['auditor'])
    const helper = await signUp(t, 'helper', ['helper'])
    const { digest } = (await read('', auditor.access)).body.review
    assert.equal((await sign({ digest }, auditor.access)).body.code, 'insufficient_permission')
    assert.equal((await read('', helper.access)).body.code, 'insufficient_permission')
    assert.equal((await sign({ digest }, helper.access)).body.code, 'insufficient_permission')
    const { key } = await giveKeyWithId(t, root.id)
    const byKey = await t.call('POST', 'admin/access-review/sign-offs', {
      headers: { 'x-api-key': key },
      body: { digest },
    })
    assert.equal(byKey.body.code, 'insufficient_permission')
    t.clock.advance(11 * minute)
    const { body: later } = await t.call('POST', 'refresh', { body: { refresh_token: root.refresh } })
    const late = await sign({ digest }, later.access_token)
    assert.equal(late.body.code, 'insufficient_user_authentication')
    assert.deepEqual(await listEvents(), [])
    root = await signInAgain(root)
  })

  test('another state than what was seen is signed by nobody, and use alone does not change it', async () => {
    const { digest } = (await read()).body.review
    assert.equal((await sign({ digest: 'A'.repeat(43) })).body.code, 'conflict')
    assert.equal(
      (await sign({ digest, unused_for: '30d' })).body.code,
      'conflict',
      'it was asked for other days',
    )
    const never = (await find('unused-key')).find(({ lastUsedAt }) => lastUsedAt === null)
    await t.engine.db
      .updateTable('api_keys')
      .set({ last_used_at: t.clock.now() - 95 * day })
      .where('id', '=', never?.subject.id ?? '')
      .execute()
    assert.equal((await read()).body.review.digest, digest, 'use alone')
    await signUp(t, 'unreviewed', ['admin'])
    assert.equal((await sign({ digest })).status, 409)
    assert.deepEqual(await listEvents(), [])
    const again = (await read('?limit=1')).body.review
    const signed = await sign({ digest: again.digest, comment: '  Seen with Ann  ' })
    assert.equal(signed.status, 201)
    const { data } = (await t.call('GET', 'admin/access-review/sign-offs', { token: root.access })).body
    assert.deepEqual(data, [signed.body])
    assert.deepEqual(data[0].by, { id: root.id, name: 'root' })
    assert.deepEqual([data[0].comment, data[0].findings], ['Seen with Ann', again.total])
  })

  test('signs once for each time, also of two at the same moment', async () => {
    const { digest } = (await read()).body.review
    const before = (await listEvents()).length
    const answers = await Promise.all([sign({ digest }), sign({ digest }), sign({ digest: 'B'.repeat(43) })])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 409])
    assert.equal((await listEvents()).length, before + 2)
  })

  test('exports a finding a line, which nobody can break by a name, and writes that down', async () => {
    await giveKeyWithId(t, root.id, { name: '=1+1"\n\u2028,;x' })
    const { text, headers, status } = await t.call('GET', 'admin/access-review/export', {
      token: root.access,
    })
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^application\/x-ndjson/)
    const [review, ...lines] = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.equal(lines.length, review.total)
    assert.ok(lines.some(line => line.subject.name.startsWith('=1+1"\n')))
    const event = await t.engine.db
      .selectFrom('audit_events')
      .selectAll()
      .where('event', '=', 'access-review.exported')
      .executeTakeFirstOrThrow()
    assert.deepEqual([event.actor, JSON.parse(event.details).digest], [root.id, review.digest])
  })
})

describe('in a large installation', () => {
  test('a bounded number is looked at, and the review says that there is more', async () => {
    const { db } = t.engine
    const now = t.clock.now() - 200 * day
    const rows = Array.from({ length: 1_200 }, (_, n) => ({
      id: `many-${String(n).padStart(17, '0')}`,
      username: `many${n}`,
      username_key: `many${n}`,
      created_at: now,
      version: 1,
    }))
    for (let at = 0; at < rows.length; at += 400) {
      const part = rows.slice(at, at + 400)
      await db.insertInto('users').values(part).execute()
      const roles = part.map(({ id }) => ({ user_id: id, role: 'moderator', granted_at: now }))
      await db.insertInto('user_roles').values(roles).execute()
    }
    const review = await reviewAccess(t.engine, 90)
    assert.equal(review.isComplete, false)
    const unused = review.counts.find(({ kind }) => kind === 'unused-role')
    assert.ok(unused?.more)
    assert.ok(unused.findings <= 1_100)
    assert.equal(review.counts.find(({ kind }) => kind === 'unused-key')?.more, false)
  })
})

test('hiding a key: keys that somebody made and ended by the thousand leave no other unseen', async () => {
  const { db } = t.engine
  const crowd = await signUp(t, 'crowd')
  const ended = (n: number) => ({
    id: `ended-${n}`,
    user_id: crowd.id,
    name: 'ended',
    secret_hash: `ended-${n}`,
    permissions: 'posts:moderate',
    allowed_addresses: '',
    address: '',
    created_at: begin,
    ended_at: begin + 1,
    has_factor: 0 as const,
  })
  const rows = Array.from({ length: 5_001 }, (_, n) => ended(n))
  for (let at = 0; at < rows.length; at += 1_000)
    await db
      .insertInto('api_keys')
      .values(rows.slice(at, at + 1_000))
      .execute()
  const { id } = await giveKeyWithId(t, root.id)
  assert.equal(await has('lasting-key', id), true)
  const { counts } = await reviewAccess(t.engine, 90)
  assert.equal(counts.find(({ kind }) => kind === 'lasting-key')?.more, false)
})

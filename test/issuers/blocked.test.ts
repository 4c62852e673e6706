import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { show } from '../../apps/blog/test/call.ts'
import { createRole } from '../../packages/gatewright/src/administration/change-role.ts'
import {
  blockIssuer,
  listIssuers,
  unblockIssuer,
} from '../../packages/gatewright/src/administration/issuers.ts'
import { changeRoles } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { compose } from '../../packages/gatewright/src/compose.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { type Scene, startScene } from './scene.ts'

let scene: Scene
before(async () => {
  scene = await startScene()
})
after(() => scene.close())

const ask = async (token: string): Promise<string> => show(await scene.t.call('GET', 'users', { token }))

test('a blocked issuer’s tokens are refused at once, also those that were let in before', async () => {
  const { engine } = scene.t
  const { issuer } = scene.local
  const held = scene.token()
  assert.equal(await ask(held), '200')
  assert.equal(await blockIssuer(engine, { issuer, origin }), true)
  assert.equal(await ask(held), '401 invalid_token')
  assert.equal(await ask(scene.token({ jti: 'another' })), '401 invalid_token')
  assert.equal(await blockIssuer(engine, { issuer, origin }), false)
  assert.equal(await unblockIssuer(engine, { issuer, origin }), true)
  assert.equal(await ask(held), '200')
  assert.equal(await unblockIssuer(engine, { issuer, origin }), false)
})

test('hostile issuer: once blocked it is asked for nothing more, and its tokens are wrong, not late', async () => {
  const { engine, clock } = scene.t
  const { issuer, asked } = scene.local
  const now = Math.floor(clock.now() / 1_000)
  const held = scene.token({ iat: now, exp: now + 3_600 })
  assert.equal(await ask(held), '200')
  await blockIssuer(engine, { issuer, origin })
  const before = asked.length
  // Past the moment from which its keys are read again behind a request.
  clock.advance(6 * 60_000)
  assert.equal(await ask(held), '401 invalid_token')
  clock.advance(54 * 60_000 + 1)
  assert.equal(await ask(held), '401 invalid_token')
  assert.equal(asked.length, before)
  await unblockIssuer(engine, { issuer, origin })
})

test('blocking one issuer leaves others as they are, and is spelled exactly', async () => {
  const { engine } = scene.t
  const held = scene.token()
  await blockIssuer(engine, { issuer: `${scene.local.issuer}/`, origin })
  assert.equal(await ask(held), '200')
  const known = await listIssuers(engine.db, engine.settings.trustedIssuers)
  assert.deepEqual(
    known.map(({ issuer, entry, blockedAt }) => [issuer, entry !== undefined, blockedAt !== undefined]),
    [
      [scene.local.issuer, true, false],
      [`${scene.local.issuer}/`, false, true],
    ],
  )
})

test('what is blocked by one process is refused by another within the bound, though it had let the token in', async () => {
  const { engine } = scene.t
  const { issuer } = scene.local
  const held = scene.token()
  assert.equal(await ask(held), '200')
  const other = await compose({
    settings: engine.settings,
    kind: 'command',
    clock: engine.clock,
    durability: 'off',
  })
  try {
    await blockIssuer(other, { issuer, origin })
    await engine.revocations.readFromNow()
    assert.equal(await ask(held), '401 invalid_token')
    await unblockIssuer(other, { issuer, origin })
    await engine.revocations.readFromNow()
    assert.equal(await ask(held), '200')
  } finally {
    await other.close()
  }
})

test('a block survives a restart: another process on the database has it from its first request', async test => {
  const { engine } = scene.t
  const { issuer } = scene.local
  await blockIssuer(engine, { issuer, origin })
  const other = await compose({
    settings: engine.settings,
    kind: 'command',
    clock: engine.clock,
    durability: 'off',
  })
  test.after(other.close)
  await assert.rejects(other.federation.verify(scene.token()), { code: 'invalid_token' })
  await unblockIssuer(engine, { issuer, origin })
})

test('blocking writes who did it into the audit log', async () => {
  const rows = await scene.t.engine.db
    .selectFrom('audit_events')
    .select(['event', 'actor', 'details'])
    .where('event', 'in', ['issuer.blocked', 'issuer.unblocked'])
    .execute()
  assert.ok(rows.length >= 2)
  for (const { actor, details } of rows) {
    assert.equal(actor, 'command-line')
    assert.ok(JSON.parse(details).issuer.startsWith(scene.local.issuer))
  }
})

test('a name that no token can have is not blocked by mistake', async () => {
  for (const issuer of ['', 'sso.example.org', 'https://a b', `https://${'x'.repeat(248)}`, 'https://ä'])
    await assert.rejects(blockIssuer(scene.t.engine, { issuer, origin }), { code: 'validation_failed' })
})

let count = 0
/** A session of somebody with these permissions, and no others. */
const adminWith = async (permissions: readonly string[]) => {
  const { engine } = scene.t
  const name = `issuers-${++count}`
  await createRole(engine, { name, description: '', permissions }, origin)
  return signInAs(engine, (await addUser(engine, name, { roles: [name] })).id)
}
const post = (path: string, token: string, issuer = scene.local.issuer) =>
  scene.t.call('POST', `admin/issuers/${path}`, { token, body: { issuer } })

test('administrators of clients see, block and unblock issuers over HTTP, and the audit log names them', async () => {
  const { t, local } = scene
  const chief = await adminWith(['clients:write', 'users:read', 'posts:write'])
  const held = scene.token()
  assert.equal(await ask(held), '200')
  const list = async () => {
    const { body } = await t.call('GET', 'admin/issuers', { token: chief.access })
    return body.issuers.find(({ issuer }: { issuer: string }) => issuer === local.issuer)
  }
  const seen = await list()
  assert.deepEqual(
    [seen.in_settings, seen.local_user, seen.permissions, seen.blocked_at, seen.keys_trouble],
    [true, 'none', ['posts:write', 'users:read'], null, null],
  )
  assert.match(seen.warnings.join(), /allow_private_addresses/)
  const blocked = await post('block', chief.access)
  assert.deepEqual(blocked.body, { changed: true, issuer: local.issuer, in_settings: true })
  assert.equal(await ask(held), '401 invalid_token')
  assert.match((await list()).blocked_at, /^\d{4}-/)
  assert.equal((await post('block', chief.access)).body.changed, false)
  assert.equal((await post('unblock', chief.access)).body.changed, true)
  assert.equal(await ask(held), '200')
  const events = await t.engine.db
    .selectFrom('audit_events')
    .select('event')
    .where('actor', '=', chief.userId)
    .where('event', 'like', 'issuer.%')
    .orderBy('id')
    .execute()
  assert.deepEqual(
    events.map(({ event }) => event),
    ['issuer.blocked', 'issuer.unblocked'],
  )
})

test('no way up: who may do less than an issuer’s tokens decides nothing about it, nor who may do it no more', async () => {
  const { engine } = scene.t
  const lesser = await adminWith(['clients:write', 'users:read'])
  const target = { issuer: scene.local.issuer, origin }
  assert.equal(show(await post('block', lesser.access)), '403 insufficient_permission')
  await blockIssuer(engine, target)
  assert.equal(show(await post('unblock', lesser.access)), '403 insufficient_permission')
  assert.equal(show(await post('block', lesser.access, 'https://elsewhere.example.org')), '200')
  const demoted = await adminWith(['clients:write', 'users:read', 'posts:write'])
  await changeRoles(engine, { userId: demoted.userId, roles: ['user'], origin })
  await assert.rejects(unblockIssuer(engine, target, demoted), { code: 'insufficient_permission' })
  assert.equal(await unblockIssuer(engine, target), true)
})

test('blocked by two at once, an issuer is blocked once', async () => {
  const target = { issuer: 'https://twice.example.org', origin }
  const done = await Promise.all([1, 2, 3].map(() => blockIssuer(scene.t.engine, target)))
  assert.deepEqual(done.sort(), [false, false, true])
})

test('no more are blocked than every process can keep', async () => {
  const { engine } = scene.t
  const { db, clock } = engine
  const rows = Array.from({ length: 200 }, (_, n) => ({
    issuer: `https://${n}.example.org`,
    blocked_at: clock.now(),
  }))
  await db.insertInto('blocked_issuers').values(rows).execute()
  await assert.rejects(blockIssuer(engine, { issuer: 'https://more.example.org', origin }), {
    code: 'conflict',
  })
  assert.equal(await blockIssuer(engine, { issuer: 'https://7.example.org', origin }), false)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { show } from '../../apps/blog/test/call.ts'
import {
  blockIssuer,
  listIssuers,
  unblockIssuer,
} from '../../packages/gatewright/src/administration/issuers.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { compose } from '../../packages/gatewright/src/compose.ts'
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
  for (const issuer of ['', 'a b', 'x'.repeat(256), 'ä'])
    await assert.rejects(blockIssuer(scene.t.engine, { issuer, origin }), { code: 'validation_failed' })
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { sealMany } from '../../../../test/audit/chain.ts'
import { inVain } from '../../../../test/audit/in-vain.ts'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { keepHouse } from '../../../../test/housekeeping/keep-house.ts'
import { day, hour, minute } from '../ground/clock.ts'
import { isSqlite } from '../storage/columns.ts'
import { checkAudit } from '../upkeep/audit-check.ts'
import { deletePruned } from './prune.ts'
import { readChain } from './read-chain.ts'
import { openDatabaseSource } from './verify/database-source.ts'
import { verifyChain } from './verify/verify-chain.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ auditRetention: 10 * day })
})
after(() => t.close())

const verify = async () =>
  verifyChain({ source: await openDatabaseSource(t.engine.db), now: t.clock.now() + 5 * minute })
const count = async (table: 'audit_events' | 'audit_seals' | 'audit_personal' | 'audit_prunings') =>
  (await t.engine.db.selectFrom(table).selectAll().execute()).length
/** Once more for what is recorded by it. */
const houseKept = async () => {
  await t.engine.sealer.look()
  await keepHouse(t)
  await t.engine.sealer.look()
}

test('nobody deletes or changes what was recorded, not even who owns the tables', async () => {
  await sealMany(t, 30)
  const { db } = t.engine
  const refused = /neither changed nor removed/
  await assert.rejects(db.deleteFrom('audit_events').execute(), refused)
  await assert.rejects(db.deleteFrom('audit_events').where('id', '=', 3).execute(), refused)
  await assert.rejects(db.updateTable('audit_events').set({ at: 0 }).execute(), refused)
  await assert.rejects(db.deleteFrom('audit_seals').execute(), refused)
  await assert.rejects(db.updateTable('audit_seals').set({ hash: '' }).execute(), refused)
  await assert.rejects(db.deleteFrom('audit_checkpoints').execute(), refused)
  await assert.rejects(db.updateTable('audit_checkpoints').set({ at: 0 }).execute(), refused)
  await assert.rejects(db.deleteFrom('audit_keys').execute(), refused)
  await assert.rejects(db.updateTable('audit_keys').set({ public_key: '' }).execute(), refused)
})

test('a row put in the place of another is refused as well', async () => {
  const row = { id: 3, at: 0, event: 'sign-in.failed', details: '{}' }
  const { db } = t.engine
  const replace = () =>
    isSqlite(db)
      ? db
          .replaceInto('audit_events')
          .values(row as never)
          .execute()
      : sql`insert into audit_events (id, at, event, details) overriding system value values (3, 0, 'x', '{}')
          on conflict (id) do update set at = 0`.execute(db)
  await assert.rejects(replace(), /neither changed nor removed/)
})

test('a pruning that the server’s role has recorded of everything is not taken at its word by the role that deletes', () =>
  inVain(t.engine.db, async db => {
    const to_position = 1_000_000
    await db.insertInto('audit_prunings').values({ from_position: 1, to_position, hash: '', at: 0 }).execute()
    assert.equal(await deletePruned({ db }, t.clock.now() - 10 * day), 0)
    assert.ok((await deletePruned({ db }, t.clock.now() + day)) > 30)
  }))

test('before its time nothing is deleted, then the whole beginning is, with a signed checkpoint, and the chain is whole', async () => {
  t.clock.advance(9 * day)
  await houseKept()
  assert.equal(await count('audit_prunings'), 0)
  const before = await count('audit_events')
  t.clock.advance(2 * day)
  await sealMany(t, 5)
  await houseKept()
  const { beginning, position, faults } = await verify()
  assert.deepEqual(faults, [])
  assert.ok(beginning > 30 && position - beginning >= 5, 'what is younger stays')
  assert.equal(await count('audit_events'), position - beginning + 1)
  assert.equal(await count('audit_seals'), position - beginning + 1)
  assert.ok((await count('audit_personal')) <= position - beginning + 1)
  assert.ok((await count('audit_events')) < before)
  assert.equal((await readChain(t.engine)).beginning, beginning)
  const pruned = await t.engine.db
    .selectFrom('audit_events')
    .selectAll()
    .where('event', '=', 'audit.pruned')
    .execute()
  assert.deepEqual(
    pruned.map(({ details }) => JSON.parse(details).to),
    [beginning - 1],
  )
})

test('what a pruning does not cover stays, also after it', async () => {
  const [seal] = await t.engine.db
    .selectFrom('audit_seals')
    .selectAll()
    .orderBy('position')
    .limit(1)
    .execute()
  assert.ok(seal)
  await assert.rejects(t.engine.db.deleteFrom('audit_events').where('id', '=', seal.event_id).execute())
  await assert.rejects(t.engine.db.deleteFrom('audit_prunings').execute())
  await assert.rejects(t.engine.db.deleteFrom('audit_checkpoints').where('kind', '=', 'beginning').execute())
})

test('a pruning a day leaves one record of it: nothing grows', async () => {
  for (let n = 0; n < 6; n++) {
    t.clock.advance(3 * day)
    await sealMany(t, 5)
    await houseKept()
    assert.deepEqual((await verify()).faults, [])
  }
  assert.equal(await count('audit_prunings'), 1)
  assert.ok((await count('audit_events')) < 60)
})

test('where nothing deletes, doctor says so', async () => {
  t.clock.advance(30 * day)
  await t.engine.sealer.look()
  const finding = await checkAudit({ ...t.engine, settings: t.engine.settings })
  assert.match(finding.found, /longer ago than AUDIT_RETENTION/)
  await houseKept()
  // The end of the chain is never deleted: what was last before it goes with the next run.
  t.clock.advance(2 * hour)
  await houseKept()
  assert.deepEqual(await checkAudit(t.engine), {
    level: 'ok',
    found: 'sealed; checkpoints go to the log (AUDIT_ANCHOR is not set)',
  })
})

test('what is not sealed for more than a minute, doctor says, and the health of the server', async () => {
  await sealMany(t, 1)
  t.clock.advance(2 * minute)
  assert.deepEqual(await checkAudit(t.engine), {
    level: 'ok',
    found: 'sealed; checkpoints go to the log (AUDIT_ANCHOR is not set)',
  })
  await t.call('POST', 'login', { body: { username: 'nobody', password: 'not a password at all' } })
  t.clock.advance(3 * minute)
  assert.match((await checkAudit(t.engine)).found, /not sealed/)
})

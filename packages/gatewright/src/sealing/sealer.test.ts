import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { genesis } from '../audit/canonical.ts'
import { isSignedCheckpoint } from '../audit/checkpoint.ts'
import { systemOrigin as origin, recordEvent } from '../audit/record.ts'
import { hour, minute } from '../ground/clock.ts'
import { inTransaction } from '../storage/transaction.ts'
import { listUnsealed, readHead, sealEvents } from './seal-events.ts'
import { createSealer, isDue } from './sealer.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const record = (count = 1) =>
  inTransaction(t.engine.db, async work => {
    for (let n = 0; n < count; n++)
      await recordEvent(t.engine, work, 'sign-in.failed', { origin, reason: 'wrong_password' })
  })

const readSeals = () => t.engine.db.selectFrom('audit_seals').selectAll().orderBy('position').execute()
const countEvents = async () => (await t.engine.db.selectFrom('audit_events').select('id').execute()).length

test('what is recorded is sealed, each event once, each behind the one before', async () => {
  await record(3)
  assert.equal(await t.engine.sealer.look(), await countEvents())
  await record(2)
  assert.equal(await t.engine.sealer.look(), 2)
  assert.equal(await t.engine.sealer.look(), 0)
  const seals = await readSeals()
  assert.deepEqual(
    seals.map(({ position }) => position),
    seals.map((_, at) => at + 1),
  )
  assert.deepEqual(
    seals.map(seal => seal.previous_hash),
    [genesis, ...seals.slice(0, -1).map(({ hash }) => hash)],
  )
})

test('more than one batch is sealed by one look', async () => {
  await record(1_100)
  assert.equal(await t.engine.sealer.look(), 1_100)
})

test('eight sealers at once make one chain, and lose no event', async () => {
  const sealers = Array.from({ length: 8 }, () => createSealer(t.engine))
  for (let round = 0; round < 5; round++) {
    await record(20)
    await Promise.all(sealers.map(sealer => sealer.look()))
  }
  for (const sealer of sealers) await sealer.look()
  const seals = await readSeals()
  assert.equal(seals.length, await countEvents())
  assert.equal(new Set(seals.map(({ event_id }) => event_id)).size, seals.length)
  for (const [at, { previous_hash }] of seals.entries())
    assert.equal(previous_hash, at === 0 ? genesis : seals[at - 1]?.hash)
})

test('a checkpoint is signed by a key of its own, once for each place', async () => {
  await record()
  await t.engine.sealer.look()
  const checkpoint = await t.engine.sealer.sign()
  assert.ok(checkpoint !== undefined && isSignedCheckpoint(checkpoint))
  assert.equal(isSignedCheckpoint({ ...checkpoint, position: checkpoint.position + 1 }), false)
  assert.equal(await createSealer(t.engine).sign(), undefined)
  const [key] = await t.engine.db.selectFrom('audit_keys').selectAll().execute()
  assert.equal(key?.public_key, checkpoint.public_key)
  assert.doesNotMatch(key?.private_key ?? '', /^$/)
})

test('a clock that went ahead for a while and was set back does not keep what follows from being signed', () => {
  const now = t.clock.now()
  for (const checkedAt of [now - hour, now + 400 * hour])
    assert.equal(isDue({ position: 2, checked: 1, checkedAt }, now, true), true)
  assert.equal(isDue({ position: 2, checked: 1, checkedAt: now }, now, true), false)
  assert.equal(isDue({ position: 2, checked: 2, checkedAt: now + hour }, now, true), false)
})

const isServer = () => t.engine.settings.databaseUrl.startsWith('postgres')

/** As a transaction that was given its number earlier, and is committed now. */
const commitLate = async (id: number): Promise<void> => {
  const overriding = isServer() ? sql`overriding system value` : sql``
  await sql`insert into audit_events (id, at, event, details) ${overriding}
    values (${id}, 0, 'sign-in.failed', '{}')`.execute(t.engine.db)
}

/** Numbers that nobody has yet, below the one of the last event. */
const leaveGap = async (): Promise<number> => {
  const { id } = await t.engine.db
    .selectFrom('audit_events')
    .select('id')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow()
  await commitLate(id + 10)
  if (isServer())
    await sql`select setval(pg_get_serial_sequence('audit_events', 'id'), ${id + 10})`.execute(t.engine.db)
  return id + 1
}

const isSealed = async (id: number): Promise<boolean> =>
  (await readSeals()).some(({ event_id }) => event_id === id)

test('an event that becomes visible after a later one was sealed is sealed by the next look, and for a gap nobody waits', async () => {
  await t.engine.sealer.look()
  const gap = await leaveGap()
  assert.equal(await t.engine.sealer.look(), 1)
  await commitLate(gap)
  assert.equal(await t.engine.sealer.look(), 1)
  assert.equal(await isSealed(gap), true)
})

test('one that comes later than that is found when all numbers are gone through, once an hour', async () => {
  const gap = await leaveGap()
  const sealer = createSealer(t.engine)
  for (let n = 0; n < 3; n++) {
    await sealer.look()
    t.clock.advance(2 * minute)
  }
  await commitLate(gap)
  assert.equal(await sealer.look(), 0)
  t.clock.advance(hour)
  assert.equal(await sealer.look(), 1)
  assert.equal(await isSealed(gap), true)
})

test('a sealer that was paused between its look and its seal seals nothing, and forks nothing', async () => {
  await record(2)
  const [head, events] = [await readHead(t.engine.db), await listUnsealed(t.engine.db, { after: 0 })]
  assert.equal(await t.engine.sealer.look(), 2)
  assert.equal(await sealEvents(t.engine.db, head, events), undefined)
  await record()
  const further = await listUnsealed(t.engine.db, { after: 0 })
  assert.equal(await sealEvents(t.engine.db, head, [...events, ...further]), undefined)
  assert.equal(await t.engine.sealer.look(), 1)
})

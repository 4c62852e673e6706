import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { hour, minute } from 'gatewright/clock'
import { inTransaction } from 'gatewright/transaction'
import type { FakeClock } from '../../packages/gatewright/src/testing/fake-clock.ts'
import { createHousekeeping } from '../../packages/gatewright/src/upkeep/housekeeping.ts'
import { createLease, type Lease, leaseTime } from '../../packages/gatewright/src/upkeep/lease.ts'
import { testsDatabase } from '../environment.ts'
import { createFakeClock, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import { keepHouse, newHousekeeping } from './keep-house.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  await t.engine.db.updateTable('leases').set({ holder: null, beat: 0 }).execute()
  await t.engine.db.deleteFrom('housekeeping').execute()
})

const always = async (): Promise<boolean> => true

/** The lease as one process sees it, with a clock of its own. */
const newProcess = (start = t.clock.now()): { readonly lease: Lease; readonly clock: FakeClock } => {
  const clock = createFakeClock(start)
  return { lease: createLease({ ...t.engine, clock }, 'housekeeping'), clock }
}

const hold = (lease: Lease): Promise<boolean> => inTransaction(t.engine.db, work => lease.hold(work))

describe('of several processes', () => {
  test('one gets the lease of eight that ask at once, in each of twenty rounds', async () => {
    for (let round = 0; round < 20; round++) {
      const processes = Array.from({ length: 8 }, () => newProcess())
      const taken = await Promise.all(processes.map(({ lease }) => lease.take(always)))
      assert.equal(taken.filter(Boolean).length, 1)
      const held = await Promise.all(processes.map(({ lease }) => hold(lease)))
      assert.deepEqual(held, taken)
      await Promise.all(processes.map(({ lease }) => lease.release()))
    }
  })

  test('none takes it from a holder that shows a beat now and then, however long it works', async () => {
    const [holder, other] = [newProcess(), newProcess()]
    assert.equal(await holder.lease.take(always), true)
    for (let round = 0; round < 10; round++) {
      assert.equal(await other.lease.take(always), false)
      other.clock.advance(leaseTime - 1)
      assert.equal(await hold(holder.lease), true)
    }
  })

  test('another takes it once the holder showed no beat for the whole time, and the holder notices', async () => {
    const [holder, other] = [newProcess(), newProcess()]
    await holder.lease.take(always)
    assert.equal(await other.lease.take(always), false)
    other.clock.advance(leaseTime - 1)
    assert.equal(await other.lease.take(always), false)
    other.clock.advance(1)
    assert.equal(await other.lease.take(always), true)
    assert.deepEqual([await hold(holder.lease), await hold(other.lease)], [false, true])
    await holder.lease.release()
    assert.equal(await hold(other.lease), true, 'who lost it gives back nothing')
  })

  test('one gets it of eight that saw the holder die', async () => {
    await newProcess().lease.take(always)
    const processes = Array.from({ length: 8 }, () => newProcess())
    for (const { lease, clock } of processes) {
      assert.equal(await lease.take(always), false)
      clock.advance(leaseTime)
    }
    const taken = await Promise.all(processes.map(({ lease }) => lease.take(always)))
    assert.equal(taken.filter(Boolean).length, 1)
  })

  test('a wall clock that is wrong by years takes nothing from a holder, and keeps nothing from anybody', async () => {
    for (const wrong of [-400, 400].map(days => days * 24 * hour)) {
      const [holder, ahead] = [newProcess(), newProcess(t.clock.now() + wrong)]
      assert.equal(await holder.lease.take(always), true)
      assert.equal(await ahead.lease.take(always), false)
      await holder.lease.release()
      assert.equal(await ahead.lease.take(always), true)
      const right = newProcess()
      assert.equal(await right.lease.take(always), false)
      right.clock.advance(leaseTime)
      assert.equal(await right.lease.take(always), true, 'the dead holder had a clock of another year')
      await right.lease.release()
    }
  })

  test('while one has a batch open, nobody takes the lease from it, dead as it may seem', async () => {
    const [holder, other] = [newProcess(), newProcess()]
    await holder.lease.take(always)
    await other.lease.take(always)
    other.clock.advance(leaseTime)
    const batch = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const working = inTransaction(t.engine.db, async work => {
      await holder.lease.hold(work)
      begun.resolve()
      await batch.promise
    })
    await begun.promise
    const taking = other.lease.take(always)
    setTimeout(batch.resolve, 100)
    await working
    assert.equal(await taking, false)
  })

  test('eight that look at once do every task once', async () => {
    const { db } = t.engine
    const past = Array.from({ length: 900 }, (_, n) => ({ username_hash: `h${n}`, until: n }))
    await db.insertInto('reserved_usernames').values(past).execute()
    const done = await Promise.all(Array.from({ length: 8 }, () => newHousekeeping(t).look()))
    assert.equal(done.filter(Boolean).length, 1)
    const record = await db
      .selectFrom('housekeeping')
      .selectAll()
      .where('task', '=', 'reserved_usernames')
      .executeTakeFirstOrThrow()
    assert.equal(record.worked_off, 900)
    assert.equal((await db.selectFrom('reserved_usernames').selectAll().execute()).length, 0)
  })
})

describe('a run', () => {
  test('is due an hour after the last one, whichever process made that', async () => {
    await keepHouse(t)
    t.clock.advance(hour - 1)
    assert.equal(await newHousekeeping(t).look(), false)
    t.clock.advance(1)
    assert.equal(await newHousekeeping(t).look(), true)
  })

  test('of a time to come keeps nobody from the next, for a clock was wrong', async () => {
    await keepHouse(t)
    await t.engine.db
      .updateTable('housekeeping')
      .set({ succeeded_at: t.clock.now() + hour })
      .execute()
    assert.equal(await newHousekeeping(t).look(), true)
  })

  test('deletes nothing for an hour after the wall clock has jumped ahead, and then goes on', async () => {
    const clock = createFakeClock(t.clock.now())
    let jumped = 0
    const housekeeping = createHousekeeping({
      ...t.engine,
      clock: { ...clock, now: () => clock.now() + jumped },
    })
    assert.equal(await housekeeping.look(), true)
    jumped = 400 * 24 * hour
    assert.equal(await housekeeping.look(), false)
    clock.advance(hour - minute)
    assert.equal(await housekeeping.look(), false)
    clock.advance(minute)
    assert.equal(await housekeeping.look(), true)
  })

  test('that is stopped ends after its batch, gives the lease back, and the next one finishes', async () => {
    const { db } = t.engine
    const past = Array.from({ length: 900 }, (_, n) => ({ username_hash: `h${n}`, until: n }))
    await db.insertInto('reserved_usernames').values(past).execute()
    const clock = createFakeClock(t.clock.now())
    const stopping = createHousekeeping({
      ...t.engine,
      clock: { ...clock, sleep: async () => void stopping.stop() },
    })
    assert.equal(await stopping.look(), false)
    const left = (await db.selectFrom('reserved_usernames').selectAll().execute()).length
    assert.equal(left, 700)
    assert.equal(await stopping.look(), false, 'stopped for good')
    await keepHouse(t)
    assert.equal((await db.selectFrom('reserved_usernames').selectAll().execute()).length, 0)
  })

  test('that stood still until another process took over and was done does nothing any more', async () => {
    const { db } = t.engine
    const past = Array.from({ length: 300 }, (_, n) => ({ username_hash: `h${n}`, until: n }))
    await db.insertInto('reserved_usernames').values(past).execute()
    const [stands, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const sleep = (): Promise<void> => {
      stands.resolve()
      return goesOn.promise
    }
    const standing = createHousekeeping({ ...t.engine, clock: { ...t.clock, sleep } }).look()
    await stands.promise
    const clock = createFakeClock(t.clock.now())
    const other = createHousekeeping({ ...t.engine, clock })
    assert.equal(await other.look(), false)
    clock.advance(leaseTime)
    assert.equal(await other.look(), true)
    await db.insertInto('reserved_usernames').values({ username_hash: 'new', until: 1 }).execute()
    goesOn.resolve()
    assert.equal(await standing, false)
    assert.equal((await db.deleteFrom('reserved_usernames').executeTakeFirst()).numDeletedRows, 1n)
  })

  test('deletes nothing in a batch that can not be written down', async () => {
    await t.engine.db.insertInto('reserved_usernames').values({ username_hash: 'past', until: 1 }).execute()
    const second = openSecondConnection(t.engine)
    const [refuse, allow] =
      testsDatabase.kind === 'sqlite'
        ? [
            `create trigger refuse before insert on housekeeping when new.worked_off > 0 begin select raise(abort, 'no'); end`,
            'drop trigger refuse',
          ]
        : [
            'alter table housekeeping add constraint refuse check (worked_off = 0)',
            'alter table housekeeping drop constraint refuse',
          ]
    await second.run(refuse)
    assert.equal(await newHousekeeping(t).look(), false)
    assert.equal(second.rows('select * from reserved_usernames').length, 1)
    await second.run(allow)
    assert.equal(await newHousekeeping(t).look(), true)
    assert.equal(second.rows('select * from reserved_usernames').length, 0)
    second.close()
  })

  test('whose task fails says so, does the others, and tries that one again at the next look', async () => {
    const lines: Readonly<Record<string, unknown>>[] = []
    const housekeeping = newHousekeeping(t)
    housekeeping.start({ warn: fields => void lines.push(fields) })
    const second = openSecondConnection(t.engine)
    await second.run('alter table cut_offs rename to cut_offs_elsewhere')
    assert.equal(await housekeeping.look(), false)
    await second.run('alter table cut_offs_elsewhere rename to cut_offs')
    assert.deepEqual(
      lines.map(({ task }) => task),
      ['cut_offs'],
    )
    const done = (): unknown[] => second.rows('select task from housekeeping').map(({ task }) => task)
    assert.ok(done().includes('sessions') && !done().includes('cut_offs'))
    assert.equal(await housekeeping.look(), true)
    assert.ok(done().includes('cut_offs'))
    second.close()
    await housekeeping.stop()
  })
})

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { day, hour, minute } from 'gatewright/clock'
import { createHousekeeping } from '../../packages/gatewright/src/upkeep/housekeeping.ts'
import { createFakeClock, signUp, startTestApp, type TestApp } from '../harness.ts'
import { keepHouse } from './keep-house.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  await t.engine.db.updateTable('leases').set({ holder: null, beat: 0 }).execute()
  await t.engine.db.deleteFrom('housekeeping').execute()
})

/** How far the wall clock of this process jumps ahead, and is put right at once. */
const jump = 3 * day

describe('a wall clock that jumped ahead and was put right', () => {
  test('forgotten logout: brings back no token that was signed out meanwhile, also where a new process judges it', async () => {
    let ahead = 0
    const { now, monotonic } = t.clock
    // `now` stays ahead, as that of the machine does: it never runs backwards.
    const clock = { ...t.clock, monotonic: () => monotonic() - ahead, behind: () => ahead }
    const housekeeping = createHousekeeping({ ...t.engine, clock })
    const rightNow = now()
    t.clock.advance(jump)
    ahead = jump

    const { access } = await signUp(t, 'ann')
    assert.equal((await t.call('POST', 'logout', { token: access })).status, 200)
    // Past a day and the life of the token, by both clocks.
    const hours = 26
    for (let passed = 0; passed < hours; passed++) {
      t.clock.advance(hour)
      assert.equal(await housekeeping.look(), false)
    }

    const fresh = await startTestApp({ ...t.engine.settings })
    fresh.clock.advance(rightNow + hours * hour - fresh.clock.now())
    const answer = await fresh.call('GET', 'protected', { token: access })
    assert.deepEqual([answer.status, answer.body.code], [401, 'session_ended'], answer.text)
    await keepHouse(fresh)
    await fresh.close()
  })

  test('by less than a minute goes on', async () => {
    const clock = { ...createFakeClock(t.clock.now()), behind: () => minute }
    assert.equal(await createHousekeeping({ ...t.engine, clock }).look(), true)
  })
})

describe('a wall clock that jumps ahead in the middle of a run', () => {
  const rows = 1_000
  const countLeft = async (): Promise<number> =>
    (await t.engine.db.selectFrom('reserved_usernames').selectAll().execute()).length

  beforeEach(async () => {
    const { db } = t.engine
    await db.deleteFrom('reserved_usernames').execute()
    const past = Array.from({ length: rows }, (_, n) => ({ username_hash: `h${n}`, until: n }))
    await db.insertInto('reserved_usernames').values(past).execute()
  })

  test('deletes nothing from there on, and the next run goes on where it was', async () => {
    let jumped = 0
    const clock = {
      ...t.clock,
      now: () => t.clock.now() + jumped,
      sleep: async () => {
        jumped = jump
      },
    }
    assert.equal(await createHousekeeping({ ...t.engine, clock }).look(), false)
    assert.equal(await countLeft(), rows - 200)
    await keepHouse(t)
    assert.equal(await countLeft(), 0)
  })

  test('right after the look began, deletes nothing at all', async () => {
    let jumped = 0
    const clock = { ...t.clock, now: () => t.clock.now() + jumped }
    const looking = createHousekeeping({ ...t.engine, clock }).look()
    jumped = jump
    assert.equal(await looking, false)
    assert.equal(await countLeft(), rows)
  })
})

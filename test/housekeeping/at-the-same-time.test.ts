import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { day, hour, minute, second as oneSecond } from 'gatewright/clock'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { compose, type Engine } from '../../packages/gatewright/src/compose.ts'
import { createRevocations } from '../../packages/gatewright/src/revocation/revocations.ts'
import { logOut } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { testsDatabase } from '../environment.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'
import { keepHouse, newHousekeeping } from './keep-house.ts'

const idle = 14 * day

let t: TestApp
let second: SecondConnection
/** Another process on the same database, which keeps house. */
let keeper: Engine
before(async () => {
  // No signing key has its turn: in the middle of that no two weeks pass, as they do here from round to round.
  t = await startTestApp({ keyRotation: 4_000 * day })
  second = openSecondConnection(t.engine)
  keeper = await compose({ settings: t.engine.settings, clock: t.clock, durability: 'off' })
})
after(async () => {
  second.close()
  await keeper.close()
  await t.close()
})
beforeEach(async () => {
  for (const table of ['housekeeping', 'sessions', 'cut_offs'] as const)
    await t.engine.db.deleteFrom(table).execute()
  await t.engine.db.updateTable('leases').set({ holder: null }).execute()
})

let users = 0
const newSession = async (): Promise<SignedIn> =>
  signInAs(t.engine, (await addUser(t.engine, `ben${++users}`)).id)

const refresh = (session: SignedIn) => t.call('POST', 'refresh', { body: { refresh_token: session.refresh } })

/** For a moment or for long: a database in another process answers after hundreds of turns of the loop. */
const yieldFor = async (seeded: Seeded): Promise<void> => {
  const turns = 2 ** seeded.below(12)
  for (let n = 0; n < turns; n++) await new Promise(resolve => setImmediate(resolve))
}

describe('a session that is refreshed at the moment at which it is over', () => {
  /** Of the two one came first, and everything says the same. */
  const checkOne = async (session: SignedIn, { status, body }: Awaited<ReturnType<typeof refresh>>) => {
    const row = second.row(`select ended_at from sessions where id = '${session.sessionId}'`)
    const ends = second.rows(
      `select 1 from audit_events where event = 'session.ended' and session_id = '${session.sessionId}'`,
    )
    const cutOffs = second.rows(`select 1 from cut_offs where subject = '${session.sessionId}'`)
    const isLive = row?.ended_at === null
    assert.deepEqual([ends.length, cutOffs.length], isLive ? [0, 0] : [1, 1])
    if (isLive) assert.deepEqual([status, body.code], [200, undefined])
    else assert.deepEqual([status, body.code], [401, 'session_ended'])
    if (status === 200) {
      const used = await t.call('GET', 'protected', { token: body.access_token })
      assert.deepEqual([used.status, used.body.code], [200, undefined])
    }
    return isLive
  }

  test('has either ended or goes on, never both, in any order of two processes', async context => {
    const seeded = createSeeded(context)
    const lived: boolean[] = []
    for (let round = 0; round < 60; round++) {
      const sessions = await Promise.all(Array.from({ length: 4 }, newSession))
      // One millisecond before the end the refresh is right; the clock goes on while both are at work.
      t.clock.advance(idle - 1)
      await t.engine.db.deleteFrom('housekeeping').execute()
      const answers = Promise.all(sessions.map(refresh))
      await yieldFor(seeded)
      t.clock.advance(seeded.below(2))
      const looking = newHousekeeping({ engine: keeper }).look()
      await yieldFor(seeded)
      t.clock.advance(1)
      await looking
      for (const [n, answer] of (await answers).entries())
        lived.push(await checkOne(sessions[n] as SignedIn, answer))
      await t.engine.db.deleteFrom('sessions').execute()
    }
    context.diagnostic(`${lived.filter(Boolean).length} of ${lived.length} went on`)
  })

  test('goes on where its refresh has the lock, and the others end meanwhile', async () => {
    const [held, other] = [await newSession(), await newSession()]
    t.clock.advance(idle)
    if (testsDatabase.kind === 'postgres') {
      await second.run('begin')
      await second.run(`select 1 from users where id = '${held.userId}' for no key update`)
      await second.run(`update sessions set last_used_at = ${t.clock.now()} where id = '${held.sessionId}'`)
      // Who waited for the lock would be refused it after five seconds.
      await keepHouse({ engine: keeper })
      await second.run('commit')
    } else {
      await t.engine.db
        .updateTable('sessions')
        .set({ last_used_at: t.clock.now() })
        .where('id', '=', held.sessionId)
        .execute()
      await keepHouse({ engine: keeper })
    }
    const ended = second.rows('select id from sessions where ended_at is not null')
    assert.deepEqual(
      ended.map(({ id }) => id),
      [other.sessionId],
    )
  })
})

describe('what is still needed', () => {
  test('stands when house was kept: a live session refreshes, and an old token of it is a theft', async () => {
    const thief = await newSession()
    t.clock.advance(minute)
    const first = await refresh(thief)
    t.clock.advance(13 * day)
    await keepHouse(t)
    const later = await refresh({ ...thief, refresh: first.body.refresh_token })
    assert.equal(later.status, 200)
    t.clock.advance(minute)
    assert.equal((await refresh(thief)).body.code, 'refresh_token_reused')
  })

  test('stands: an ended session gets its plain 401 until a week after its life, and then another one', async () => {
    const session = await newSession()
    await logOut(t.engine, { ...session, origin: systemOrigin })
    for (const [wait, code] of [
      [30 * day, 'session_ended'],
      [7 * day - 1, 'session_ended'],
      [hour, 'invalid_token'],
    ] as const) {
      t.clock.advance(wait)
      await keepHouse(t)
      const { status, body } = await refresh(session)
      assert.deepEqual([status, body.code], [401, code])
    }
    assert.equal(second.rows(`select 1 from audit_events where event = 'refresh-token.reused'`).length, 1)
  })
})

describe('the feed', () => {
  const follow = async (): Promise<{
    readonly isEnded: (session: SignedIn) => boolean
    readonly stop: () => void
  }> => {
    const { db, watch, clock } = keeper
    const view = createRevocations({ db, watch, clock, maxAge: 5_000, readRoles: async () => [] })
    await view.start()
    return {
      isEnded: ({ sessionId, userId }) => view.isEnded({ sessionId, userId, userVersion: 1 }),
      stop: view.stop,
    }
  }

  test('that is pruned to nothing under a running reader tells it of the next cut-off all the same', async () => {
    const reader = await follow()
    for (let round = 0; round < 5; round++) {
      const session = await newSession()
      await logOut(t.engine, { ...session, origin: systemOrigin })
      await until('the reader knows', () => reader.isEnded(session))
      t.clock.advance(10 * minute + minute + day)
      await keepHouse(t)
      assert.equal(second.rows('select 1 from cut_offs').length, 0)
    }
    reader.stop()
  })

  test('keeps a cut-off for as long as any token that it names, and a day more', async () => {
    const session = await newSession()
    await logOut(t.engine, { ...session, origin: systemOrigin })
    const isThere = (): boolean => second.rows('select 1 from cut_offs').length === 1
    t.clock.advance(11 * minute + day - oneSecond)
    await keepHouse(t)
    assert.ok(isThere())
    t.clock.advance(hour)
    await keepHouse(t)
    assert.ok(!isThere())
  })
})

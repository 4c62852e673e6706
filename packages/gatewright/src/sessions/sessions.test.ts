import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin } from '../audit/record.ts'
import { day, hour, minute, second } from '../ground/clock.ts'
import { inTransaction } from '../storage/transaction.ts'
import { listSessions } from './list-sessions.ts'
import { endedByTime, promisedExpiry } from './session-times.ts'
import { closeRefreshWindow, endSessions, renewSession, startSession } from './sessions.ts'

let t: TestApp
let users = 0
let ann: string
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  ann = (await addUser(t.engine, `ann${++users}`)).id
})

const getSession = (id: string) =>
  t.engine.db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const getCutOffs = (subject: string) =>
  t.engine.db.selectFrom('cut_offs').selectAll().where('subject', '=', subject).execute()
const listEvents = (sessionId: string) =>
  t.engine.db
    .selectFrom('audit_events')
    .select(['event', 'reason'])
    .where('session_id', '=', sessionId)
    .orderBy('id')
    .execute()
const listLive = async (userId: string) => (await listSessions(t.engine, userId)).map(({ id }) => id)
const isEnded = ({ userId, sessionId }: SignedIn) =>
  t.engine.revocations.isEnded({ userId, sessionId, userVersion: 1 })

const startAs = (userId: string, userVersion: number) =>
  inTransaction(t.engine.db, work =>
    startSession(t.engine, work, { userId, userVersion, amr: ['pwd'], device: 'd', origin: systemOrigin }),
  )
const renew = (userId: string, sessionId: string, userVersion = 1) =>
  inTransaction(t.engine.db, work =>
    renewSession(t.engine, work, {
      ...{ userId, sessionId, userVersion, amr: ['pwd'], origin: systemOrigin },
      secretId: t.engine.secrets.newestId,
    }),
  )

describe('the exp promised to a token', () => {
  const ttl = { accessTokenTtl: 10 * minute, sessionIdleTtl: day, sessionMaxTtl: day }
  const rows = [
    { name: 'is the whole second of its end', now: 0, expiresAt: day, promised: 10 * minute },
    {
      name: 'is never more than the time that is set',
      now: 1,
      expiresAt: day,
      promised: 10 * minute,
    },
    { name: 'is never past the end of its session', now: 0, expiresAt: minute, promised: minute },
    {
      name: 'is the last whole second before that',
      now: 0,
      expiresAt: minute - 1,
      promised: minute - second,
    },
  ]
  for (const { name, now, expiresAt, promised } of rows)
    test(name, () =>
      assert.equal(promisedExpiry(now, { created_at: 0, expires_at: expiresAt }, ttl), promised),
    )
})

describe('a session is over by the clock', () => {
  const times = { accessTokenTtl: minute, sessionIdleTtl: hour, sessionMaxTtl: day }
  const rows = [
    { now: hour - 1, last_used_at: 0, expires_at: day, reason: undefined },
    { now: hour, last_used_at: 0, expires_at: day, reason: 'idle' },
    { now: day - 1, last_used_at: day - 2, expires_at: day, reason: undefined },
    { now: day, last_used_at: day - 1, expires_at: day, reason: 'expired' },
    { now: day, last_used_at: 0, expires_at: day, reason: 'expired' },
  ]
  for (const { now, reason, ...session } of rows)
    test(`${reason ?? 'not yet'}: unused for ${now - session.last_used_at} ms, ${session.expires_at - now} ms before its end`, () =>
      assert.equal(endedByTime({ ...session, created_at: 0 }, now, times), reason))
})

describe('no session starts', () => {
  const refused = async (userId: string, version: number): Promise<void> => {
    assert.equal(await startAs(userId, version), undefined)
    assert.deepEqual(await listLive(userId), [])
    const events = await t.engine.db
      .selectFrom('audit_events')
      .select('id')
      .where('user_id', '=', userId)
      .where('event', '=', 'session.started')
      .execute()
    assert.deepEqual(events, [])
  }

  test('for a user who changed since the credential was checked', async () => {
    await t.engine.db.updateTable('users').set({ version: 2 }).where('id', '=', ann).execute()
    await refused(ann, 1)
  })
  test('for a user of a version that is still to come', () => refused(ann, 2))
  test('for a disabled user', async () => {
    await t.engine.db.updateTable('users').set({ disabled_at: 1 }).where('id', '=', ann).execute()
    await refused(ann, 1)
  })
  test('for a user who is not there', () => refused('nobody', 1))
})

test('a session begins with what it was proved by, under an id and a random value of its own', async () => {
  const [first, second] = [await startAs(ann, 1), await startAs(ann, 1)]
  assert.ok(first && second)
  assert.notEqual(first.session.id, second.session.id)
  assert.notEqual(first.session.refresh_key, second.session.refresh_key)
  const { amr, auth_time, generation, user_version, ended_at, device } = await getSession(first.session.id)
  assert.deepEqual(
    { amr, auth_time, generation, user_version, ended_at, device },
    { amr: 'pwd', auth_time: t.clock.now(), generation: 1, user_version: 1, ended_at: null, device: 'd' },
  )
  assert.deepEqual(first.roles, ['user'])
})

describe('a user has at most 100 live sessions', () => {
  const startMany = async (count: number): Promise<SignedIn[]> => {
    const started: SignedIn[] = []
    for (let n = 0; n < count; n++) {
      t.clock.advance(second)
      started.push(await signInAs(t.engine, ann))
    }
    return started
  }

  test('the 101st ends the one unused for longest, with its cut-off and its event, and no other', async () => {
    const ben = await signInAs(t.engine, (await addUser(t.engine, `ben${users}`)).id)
    const [oldest, next, ...rest] = await startMany(100)
    assert.ok(oldest && next)
    await t.engine.db
      .updateTable('sessions')
      .set({ last_used_at: t.clock.now() })
      .where('id', '=', oldest.sessionId)
      .execute()
    const [newest] = await startMany(1)
    assert.ok(newest)
    const live = await listLive(ann)
    assert.equal(live.length, 100)
    assert.ok(isEnded(next) && !live.includes(next.sessionId))
    for (const kept of [oldest, newest, ben, ...rest]) assert.ok(!isEnded(kept))
    assert.equal((await getSession(next.sessionId)).end_reason, 'too_many_sessions')
    assert.deepEqual(
      { ...(await listEvents(next.sessionId)).at(-1) },
      {
        event: 'session.ended',
        reason: 'too_many_sessions',
      },
    )
  })

  test('the new one is never the one that makes room, even when the clock was set back', async () => {
    await startMany(100)
    t.clock.advance(-hour)
    const newest = await signInAs(t.engine, ann)
    t.clock.advance(hour)
    assert.ok(!isEnded(newest))
    assert.equal((await getSession(newest.sessionId)).ended_at, null)
    assert.equal((await listLive(ann)).length, 100)
  })
})

describe('a renewed session', () => {
  test('goes on under a new id and a new random value, on the same device, until the same end', async () => {
    const old = await getSession((await signInAs(t.engine, ann, 'phone')).sessionId)
    t.clock.advance(minute)
    const { session } = await renew(ann, old.id)
    assert.notEqual(session.id, old.id)
    assert.notEqual(session.refresh_key, old.refresh_key)
    const kept = ({ device, address, created_at, expires_at, user_id }: typeof old) => ({
      device,
      address,
      created_at,
      expires_at,
      user_id,
    })
    assert.deepEqual(kept(session), kept(old))
    assert.equal(session.auth_time, t.clock.now())
    assert.equal(session.generation, 1)
    assert.deepEqual({ ...(await getSession(session.id)) }, session)
  })

  test('leaves its old id ended, with a cut-off that outlives every token of it', async () => {
    const old = await signInAs(t.engine, ann)
    const { token_expires_at } = await getSession(old.sessionId)
    const { session } = await renew(ann, old.sessionId)
    const { ended_at, end_reason, replaced_by } = await getSession(old.sessionId)
    assert.deepEqual([ended_at, end_reason, replaced_by], [t.clock.now(), 'renewed', session.id])
    assert.ok(isEnded(old))
    assert.equal((await getCutOffs(old.sessionId))[0]?.matters_until, token_expires_at + minute)
    assert.deepEqual(await listLive(ann), [session.id])
  })

  const refusals: Record<string, (old: SignedIn) => Promise<unknown>> = {
    'after it has ended': async old => {
      await inTransaction(t.engine.db, work =>
        endSessions(t.engine, work, { userId: ann }, { reason: 'logout', origin: systemOrigin }),
      )
      return renew(ann, old.sessionId)
    },
    'twice under the same old id': async old => {
      await renew(ann, old.sessionId)
      return renew(ann, old.sessionId)
    },
    'by another user': async old => renew((await addUser(t.engine, `eve${users}`)).id, old.sessionId),
    'for a user at another version': old => renew(ann, old.sessionId, 2),
    'that was never there': () => renew(ann, 'A'.repeat(22)),
  }
  for (const [name, act] of Object.entries(refusals))
    test(`is not renewed ${name}, and nothing is left of the attempt`, async () => {
      const old = await signInAs(t.engine, ann)
      await assert.rejects(act(old), { name: 'Refusal', code: 'session_ended' })
      assert.ok((await listLive(ann)).length <= 1)
    })
})

describe('ending sessions', () => {
  const end = (choice: { only?: string; except?: string }, userId = ann) =>
    inTransaction(t.engine.db, work =>
      endSessions(t.engine, work, { userId, ...choice }, { reason: 'logout', origin: systemOrigin }),
    )

  test('ends exactly those chosen', async () => {
    const [a, b, c] = [
      await signInAs(t.engine, ann),
      await signInAs(t.engine, ann),
      await signInAs(t.engine, ann),
    ]
    assert.equal((await end({ only: a.sessionId })).count, 1)
    assert.deepEqual([a, b, c].map(isEnded), [true, false, false])
    assert.equal((await end({ except: c.sessionId })).count, 1)
    assert.deepEqual([a, b, c].map(isEnded), [true, true, false])
    assert.equal((await end({})).count, 1)
    assert.deepEqual(await listLive(ann), [])
  })

  test("never ends another user's, whatever id is named", async () => {
    const old = await signInAs(t.engine, ann)
    const eve = (await addUser(t.engine, `eve${users}`)).id
    assert.equal((await end({ only: old.sessionId }, eve)).count, 0)
    assert.equal((await end({}, eve)).count, 0)
    assert.ok(!isEnded(old))
  })

  test('writes one cut-off and one event for each, and none for one that had ended', async () => {
    const old = await signInAs(t.engine, ann)
    await end({})
    assert.equal((await end({})).count, 0)
    assert.equal((await getCutOffs(old.sessionId)).length, 1)
    const events = await listEvents(old.sessionId)
    assert.deepEqual(
      events.map(({ event }) => event),
      ['session.started', 'session.ended'],
    )
  })
})

test('closing the refresh window touches neither an ended session nor another one', async () => {
  const [a, b] = [await signInAs(t.engine, ann), await signInAs(t.engine, ann)]
  await inTransaction(t.engine.db, work => closeRefreshWindow(work, a.sessionId))
  assert.equal((await getSession(a.sessionId)).generation_since, 0)
  assert.equal((await getSession(b.sessionId)).generation_since, t.clock.now())
})

test('the list of sessions shows no ended, no expired and no idle one, and none of others', async () => {
  const own = await startTestApp({ sessionIdleTtl: hour, sessionMaxTtl: 2 * hour })
  const { id } = await addUser(own.engine, 'ann')
  const { id: other } = await addUser(own.engine, 'ben')
  const list = async () => (await listSessions(own.engine, id)).map(session => session.id)
  const first = await signInAs(own.engine, id)
  await signInAs(own.engine, other)
  own.clock.advance(hour - 1)
  const second = await signInAs(own.engine, id)
  assert.deepEqual(await list(), [second.sessionId, first.sessionId])
  own.clock.advance(1)
  assert.deepEqual(await list(), [second.sessionId])
  await own.engine.db
    .updateTable('sessions')
    .set({ last_used_at: own.clock.now() + 2 * hour })
    .execute()
  own.clock.advance(2 * hour - 1)
  assert.deepEqual(await list(), [])
  await own.close()
})

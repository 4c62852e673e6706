import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import {
  type Consequence,
  type ConsequenceEvent,
  consequences,
} from '../../packages/gatewright/src/consequences/table.ts'
import { type Answer, startTestApp, type TestApp } from '../harness.ts'
import {
  acts,
  apart,
  type Held,
  openScene,
  type Pair,
  refresh,
  renewPair,
  type Scene,
  signIn,
  startSceneApp,
  window,
} from './scene.ts'

/** As consequences.md has them, and contract-additions.md: for this session, for others of the user, and for known devices. */
const expected: Record<
  ConsequenceEvent,
  readonly [Consequence['thisSession'], Consequence['otherSessions'], Consequence['knownDevices']]
> = {
  logout: ['end', 'keep', 'keep'],
  'session idle': ['end', 'keep', 'keep'],
  'session expired': ['end', 'keep', 'keep'],
  'other session ended': ['keep', 'end that one', 'keep'],
  'all others ended': ['keep', 'end', 'end'],
  'all ended by administrator': ['none', 'end', 'end'],
  'step-up': ['new id', 'keep', 'keep'],
  'password changed': ['new id', 'end', 'end'],
  'second factor added': ['new id', 'keep', 'keep'],
  'second factor removed': ['new id', 'end', 'end'],
  'second factors reset': ['none', 'end', 'end'],
  'recovery codes renewed': ['new id', 'keep', 'keep'],
  'password reset': ['none', 'end', 'end'],
  'password change forced': ['none', 'end', 'end'],
  'e-mail change undone': ['none', 'end', 'end'],
  'denied by owner': ['none', 'end', 'end'],
  'e-mail changed': ['keep', 'keep', 'keep'],
  'refresh token reused': ['end', 'keep', 'end that device'],
  'refresh token ahead': ['end', 'keep', 'end that device'],
  'roles changed': ['re-read', 're-read', 'keep'],
  'user disabled': ['end', 'end', 'end'],
  'user deleted': ['end', 'end', 'end'],
  'secret retired': ['end', 'keep', 'keep'],
  'user enabled': ['none', 'stay ended', 'stay ended'],
}

test('the table in the code is the one of consequences.md', () => {
  const inCode = Object.entries(consequences).map(([event, row]) => [
    event,
    [row.thisSession, row.otherSessions, row.knownDevices],
  ])
  assert.deepEqual(Object.fromEntries(inCode), expected)
})

let t: TestApp
/** A second process that runs all the while, with a memory of its own. */
let beside: TestApp
let scene: Scene
before(async () => {
  t = await startSceneApp()
  beside = await startTestApp({ ...t.engine.settings })
})
after(async () => {
  await beside.close()
  await t.close()
})

const setClock = (on: TestApp): void => on.clock.advance(t.clock.now() - on.clock.now())

beforeEach(async () => {
  scene = await openScene(t, apart)
  setClock(beside)
  // It has verified these tokens, and remembers them.
  for (const { pair } of [scene.self, scene.other, scene.third, scene.stranger])
    assert.equal((await open(beside, pair)).status, 200)
})

const open = (on: TestApp, { access }: Pair): Promise<Answer> =>
  on.call('GET', 'protected', { token: access })

/** One that started after the event of this test. */
let fresh: TestApp | undefined
afterEach(async () => {
  await fresh?.close()
  fresh = undefined
})

/** At the process that runs beside, once it has read the feed, and at one that started on the same database since. */
const elsewhere = async (look: (on: TestApp) => Promise<void>): Promise<void> => {
  for (const on of fresh === undefined ? [beside] : [beside, fresh]) {
    setClock(on)
    await on.engine.revocations.readFromNow()
    await look(on)
  }
  if (fresh !== undefined) return
  fresh = await startTestApp({ ...t.engine.settings })
  setClock(fresh)
  await look(fresh)
}

const assertEnded = async (held: Held): Promise<void> => {
  const refused = async (on: TestApp): Promise<void> => {
    const answer = await open(on, held.pair)
    assert.equal(answer.status, 401, answer.text)
    assert.ok(['session_ended', 'token_expired'].includes(answer.body.code))
    const again = await refresh(on, held)
    assert.deepEqual([again.status, again.body.code], [401, 'session_ended'])
  }
  await refused(t)
  await elsewhere(refused)
}

const assertKept = async (held: Held): Promise<void> => {
  const letIn = async (on: TestApp): Promise<void> => {
    const answer = await open(on, held.pair)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.body.session_id, held.sessionId)
  }
  await letIn(t)
  await elsewhere(letIn)
  await renewPair(t, held)
  await letIn(t)
}

const assertReread = async (held: Held): Promise<void> => {
  const isModerator = async (on: TestApp): Promise<void> => {
    const { status, body } = await open(on, held.pair)
    assert.equal(status, 200)
    assert.ok(body.permissions.includes('posts:moderate'))
  }
  await isModerator(t)
  await elsewhere(isModerator)
  await assertKept(held)
}

const assertRenewed = async ({ sessionId, pair }: Held, renewed: Pair | undefined): Promise<void> => {
  assert.ok(renewed, 'the answer carries the new pair')
  const now = await open(t, renewed)
  assert.equal(now.status, 200)
  assert.notEqual(now.body.session_id, sessionId)
  const list = await t.call('GET', 'sessions', { token: renewed.access })
  const ids = list.body.sessions.map(({ id }: { id: string }) => id)
  assert.ok(ids.includes(now.body.session_id) && !ids.includes(sessionId))

  const replaced = async (on: TestApp): Promise<void> => {
    assert.equal((await open(on, pair)).body.code, 'session_ended')
    assert.equal((await refresh(on, { pair })).body.code, 'session_renewed')
  }
  await replaced(t)
  await elsewhere(replaced)
  t.clock.advance(window)
  assert.equal((await refresh(t, { pair })).body.code, 'session_ended')
  assert.equal((await refresh(t, { pair: renewed })).status, 200)
}

/** Where there is no session in which it could happen: whoever signs in now begins anew. */
const assertNone = async (): Promise<void> => {
  // Whoever must choose a new password has done so.
  await t.engine.db
    .updateTable('users')
    .set({ password_change_due: 0 })
    .where('id', '=', scene.userId)
    .execute()
  await assertKept(await signIn(t, scene.userId))
}

/** As if each of these sessions had been begun in a browser of its own. */
const rememberDevices = async () => {
  const { userId, self, other, stranger } = scene
  const { db } = t.engine
  const remember = async (device: string, user_id: string, { sessionId }: Held): Promise<string> => {
    const id = `${scene.username} ${device}`
    const times = { created_at: 1, last_used_at: t.clock.now() }
    await db
      .insertInto('known_devices')
      .values({ id, user_id, secret_hash: id, ...times })
      .execute()
    await db.updateTable('sessions').set({ known_device_id: id }).where('id', '=', sessionId).execute()
    return id
  }
  const { user_id: strangerId } = await db
    .selectFrom('sessions')
    .select('user_id')
    .where('id', '=', stranger.sessionId)
    .executeTakeFirstOrThrow()
  return {
    own: await remember('1', userId, self),
    other: await remember('2', userId, other),
    stranger: await remember('3', strangerId, stranger),
  }
}

const listDevices = async (): Promise<readonly string[]> => {
  const rows = await t.engine.db
    .selectFrom('known_devices')
    .select('id')
    .where('id', 'like', `${scene.username} %`)
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

const devicesLeft = (
  fate: Consequence['knownDevices'],
  { own, other }: { readonly own: string; readonly other: string },
): readonly string[] => {
  if (fate === 'keep') return [own, other]
  return fate === 'end that device' ? [other] : []
}

type Fate = Consequence['thisSession'] | Consequence['otherSessions']
const checks: Record<Fate, (held: Held, renewed: Pair | undefined) => Promise<void>> = {
  end: assertEnded,
  'stay ended': assertEnded,
  keep: assertKept,
  'new id': assertRenewed,
  're-read': assertReread,
  none: assertNone,
  'end that one': async held => {
    await assertEnded(held)
    await assertKept(scene.third)
  },
}

for (const [name, row] of Object.entries(consequences) as [ConsequenceEvent, Consequence][])
  describe(name, () => {
    test(`this session: ${row.thisSession}`, async () => {
      const renewed = await acts[name](scene)
      await checks[row.thisSession](scene.self, renewed)
    })

    test(`other sessions: ${row.otherSessions}`, async () => {
      const renewed = await acts[name](scene)
      await checks[row.otherSessions](scene.other, renewed)
    })

    test(`known devices: ${row.knownDevices}`, async () => {
      const devices = await rememberDevices()
      await acts[name](scene)
      assert.deepEqual(await listDevices(), [...devicesLeft(row.knownDevices, devices), devices.stranger])
    })

    test('sessions of other users: keep', async () => {
      await acts[name](scene)
      await assertKept(scene.stranger)
    })

    test('what ended says why, in its row and in its event', async () => {
      await acts[name](scene)
      const ended = await t.engine.db
        .selectFrom('sessions')
        .innerJoin('audit_events', 'audit_events.session_id', 'sessions.id')
        .select(['end_reason', 'audit_events.reason'])
        .where('ended_at', 'is not', null)
        .where('event', '=', 'session.ended')
        .where('sessions.user_id', '=', scene.userId)
        .execute()
      const reasons = new Set(ended.flatMap(({ end_reason, reason }) => [end_reason, reason]))
      const known = [row.reason, row.thisSession === 'new id' ? 'renewed' : undefined].filter(Boolean)
      assert.deepEqual(reasons, new Set(name === 'user enabled' ? ['user_disabled'] : known))
    })
  })

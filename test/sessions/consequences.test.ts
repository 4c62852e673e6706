import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
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

/** As consequences.md has them, and contract-additions.md: for this session, and for others of the user. */
const expected: Record<
  ConsequenceEvent,
  readonly [Consequence['thisSession'], Consequence['otherSessions']]
> = {
  logout: ['end', 'keep'],
  'session idle': ['end', 'keep'],
  'session expired': ['end', 'keep'],
  'other session ended': ['keep', 'end that one'],
  'all others ended': ['keep', 'end'],
  'step-up': ['new id', 'keep'],
  'password changed': ['new id', 'end'],
  'refresh token reused': ['end', 'keep'],
  'refresh token ahead': ['end', 'keep'],
  'roles changed': ['re-read', 're-read'],
  'user disabled': ['end', 'end'],
  'user deleted': ['end', 'end'],
  'secret retired': ['end', 'keep'],
  'user enabled': ['none', 'stay ended'],
}

test('the table in the code is the one of consequences.md', () => {
  const inCode = Object.entries(consequences).map(([event, row]) => [
    event,
    [row.thisSession, row.otherSessions],
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

/** At the process that runs beside, once it has read the feed, and at one that starts now on the same database. */
const elsewhere = async (look: (on: TestApp) => Promise<void>): Promise<void> => {
  setClock(beside)
  await beside.engine.revocations.readFromNow()
  await look(beside)
  const fresh = await startTestApp({ ...t.engine.settings })
  setClock(fresh)
  try {
    await look(fresh)
  } finally {
    await fresh.close()
  }
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
  await assertKept(await signIn(t, scene.userId))
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

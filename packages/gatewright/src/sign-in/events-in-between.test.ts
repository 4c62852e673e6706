import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { password, type TestApp } from '../../../../test/harness.ts'
import { acts, apart, openScene, type Scene, startSceneApp } from '../../../../test/sessions/scene.ts'
import { toSignedIn } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import type { Engine } from '../compose.ts'
import { type Consequence, type ConsequenceEvent, consequences } from '../consequences/table.ts'
import { Refusal } from '../ground/refusal.ts'
import { type LiveSession, startSession } from '../sessions/sessions.ts'
import { inTransaction } from '../storage/transaction.ts'
import { parsePassword } from '../users/password.ts'
import { changePassword } from './own-password.ts'
import { signIn } from './sign-in.ts'
import { stepUpByPassword } from './step-up.ts'

/** Between "the password is right" and "the session is there" every event of the table happens once. */
type Barrier = {
  /** The engine, whose first check of a password waits after it was made. */
  readonly engine: Engine
  /** Resolves when that check was made. */
  readonly reached: Promise<void>
  readonly open: () => void
  readonly checks: () => number
}

const createBarrier = (engine: Engine): Barrier => {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  let checks = 0
  const verify: Engine['hasher']['verify'] = async (shown, stored) => {
    const isRight = await engine.hasher.verify(shown, stored)
    checks++
    if (checks > 1) return isRight
    reached.resolve()
    await opened.promise
    return isRight
  }
  return {
    engine: { ...engine, hasher: { ...engine.hasher, verify } },
    reached: reached.promise,
    open: opened.resolve,
    checks: () => checks,
  }
}

let t: TestApp
before(async () => {
  t = await startSceneApp()
})
after(() => t.close())

type Attempt = { readonly outcome: LiveSession | Refusal; readonly checks: number }

/** Begins, lets the event happen once the password was found right, and goes on. */
const runAround = async (
  scene: Scene,
  event: ConsequenceEvent,
  begin: (engine: Engine) => Promise<LiveSession>,
): Promise<Attempt> => {
  const barrier = createBarrier(t.engine)
  const attempt = begin(barrier.engine).catch((error: unknown) => {
    if (error instanceof Refusal) return error
    throw error
  })
  await barrier.reached
  await acts[event](scene)
  barrier.open()
  return { outcome: await attempt, checks: barrier.checks() }
}

const isLetIn = async (live: LiveSession): Promise<boolean> => {
  const { access } = await toSignedIn(t.engine, live)
  return (await t.call('GET', 'protected', { token: access })).status === 200
}

const rows = Object.entries(consequences) as [ConsequenceEvent, Consequence][]
const shown = parsePassword(password)
const endsOthers = ({ otherSessions }: Consequence): boolean => ['end', 'stay ended'].includes(otherSessions)

/** Where the password is no longer right, or no longer enough, once it is checked again. */
const refusals: { readonly [event in ConsequenceEvent]?: string } = {
  'password changed': 'invalid_credentials',
  'password reset': 'invalid_credentials',
  'e-mail change undone': 'invalid_credentials',
  'denied by owner': 'invalid_credentials',
  'user disabled': 'invalid_credentials',
  'user deleted': 'invalid_credentials',
}

/** Where it is only the first half once it is checked again. */
const halves: typeof refusals = {
  'second factor added': 'mfa_required',
  'recovery codes renewed': 'mfa_required',
}

/** Where a new password is due once it is checked again. */
const due: typeof refusals = { 'password change forced': 'password_change_required' }

/** Where it is a session from before the factor. */
const unproven: typeof refusals = { 'second factor added': 'insufficient_user_authentication' }

describe('a sign-in under way', () => {
  for (const [event, row] of rows) {
    const refusal = refusals[event] ?? halves[event] ?? due[event]
    const fate = refusal ? 'is refused' : endsOthers(row) ? 'checks the password again' : 'begins its session'
    test(`when ${event} happens to the user: it ${fate}`, async () => {
      const scene = await openScene(t, apart)
      const { outcome, checks } = await runAround(scene, event, engine =>
        signIn(engine, { name: scene.username, password: shown, device: '', origin }),
      )
      if (refusal !== undefined) {
        assert.ok(outcome instanceof Refusal)
        assert.equal(outcome.code, refusal)
        return
      }
      assert.ok(!(outcome instanceof Refusal), 'it was refused')
      if (endsOthers(row))
        assert.ok(checks > 1, 'what was checked before the event started a session after it')
      assert.deepEqual(outcome.roles, event === 'roles changed' ? ['moderator'] : ['user'])
      assert.ok(await isLetIn(outcome))
    })
  }

  test('goes on being checked while the user goes on changing, and then gives up with 503', async () => {
    const { username, userId, self } = await openScene(t, apart)
    const verify: Engine['hasher']['verify'] = async (...args) => {
      const isRight = await t.engine.hasher.verify(...args)
      await t.engine.db
        .updateTable('users')
        .set(eb => ({ version: eb('version', '+', 1) }))
        .where('id', '=', userId)
        .execute()
      return isRight
    }
    const restless = { ...t.engine, hasher: { ...t.engine.hasher, verify } }
    const attempt = signIn(restless, { name: username, password: shown, device: 'restless', origin })
    await assert.rejects(attempt, {
      code: 'unavailable',
      details: { reason: 'user_changing', retryAfter: 1 },
    })
    const { body } = await t.call('GET', 'sessions', { token: self.pair.access })
    assert.ok(!body.sessions.some(({ device }: { device: string }) => device === 'restless'))
  })
})

const confirmations = {
  'a step-up': (engine: Engine, userId: string, sessionId: string) =>
    stepUpByPassword(engine, { userId, sessionId, password: shown, origin }),
  'a change of the password': (engine: Engine, userId: string, sessionId: string) =>
    changePassword(engine, {
      userId,
      sessionId,
      password: shown,
      newPassword: parsePassword('quite another password'),
      origin,
    }),
}

const places = [
  { place: 'this session', of: ({ self }: Scene) => self, column: 'thisSession' },
  { place: 'another session', of: ({ other }: Scene) => other, column: 'otherSessions' },
] as const

const endings: readonly string[] = ['end', 'end that one', 'stay ended', 'none', 'new id']

for (const [name, confirm] of Object.entries(confirmations))
  for (const { place, of, column } of places)
    describe(`${name} under way in ${place}`, () => {
      for (const [event, row] of rows) {
        const ends = endings.includes(row[column])
        test(`when ${event} happens: ${ends ? 'the session does not come back' : 'it is not kept from it'}`, async () => {
          const scene = await openScene(t, apart)
          const { userId } = scene
          const { sessionId } = of(scene)
          const { outcome } = await runAround(scene, event, engine => confirm(engine, userId, sessionId))
          const refusal = name === 'a step-up' ? halves[event] : ends ? undefined : unproven[event]
          if (refusal !== undefined) {
            assert.ok(outcome instanceof Refusal, 'the password alone was enough beside a second factor')
            assert.equal(outcome.code, refusal)
            return
          }
          const session = await t.engine.db
            .selectFrom('sessions')
            .select(['ended_at', 'replaced_by'])
            .where('id', '=', sessionId)
            .executeTakeFirstOrThrow()
          assert.notEqual(session.ended_at, null)
          if (ends) {
            assert.ok(outcome instanceof Refusal, 'an ended session was renewed')
            assert.equal(outcome.code, refusals[event] ?? 'session_ended')
            return
          }
          assert.ok(!(outcome instanceof Refusal), `it was refused: ${outcome}`)
          assert.equal(session.replaced_by, outcome.session.id)
          assert.ok(await isLetIn(outcome))
        })
      }
    })

test('a change of the password that was refused has changed nothing', async () => {
  const scene = await openScene(t, apart)
  const { outcome } = await runAround(scene, 'logout', engine =>
    confirmations['a change of the password'](engine, scene.userId, scene.self.sessionId),
  )
  assert.ok(outcome instanceof Refusal)
  const body = { username: scene.username, password }
  assert.equal((await t.call('POST', 'login', { body })).status, 200)
})

test('a session that was begun under the old version can not be inserted once the event is committed', async () => {
  const scene = await openScene(t, apart)
  await acts['all others ended'](scene)
  const late = await inTransaction(t.engine.db, work =>
    startSession(t.engine, work, {
      userId: scene.userId,
      userVersion: 1,
      amr: ['pwd'],
      device: '',
      origin,
    }),
  )
  assert.equal(late, undefined)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { minute } from 'gatewright/clock'
import { inTransaction } from 'gatewright/transaction'
import { changeRoles, disableUser } from '../../packages/gatewright/src/administration/users.ts'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { applyConsequences } from '../../packages/gatewright/src/consequences/apply.ts'
import type { LiveSession } from '../../packages/gatewright/src/sessions/sessions.ts'
import { startSession } from '../../packages/gatewright/src/sessions/sessions.ts'
import { endAllOtherSessions, logOut } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { refresh } from '../../packages/gatewright/src/sign-in/refresh.ts'
import { lockUser } from '../../packages/gatewright/src/users/users.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'
import { createSeeded } from './seeded.ts'
import { addUser, type SignedIn, signInAs } from './signed-in.ts'

const rounds = 60
const margin = minute

let t: TestApp
let second: SecondConnection
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})

type Scene = { readonly self: SignedIn; readonly other: SignedIn; readonly issued: LiveSession[] }
type Deed = (scene: Scene) => Promise<unknown>

const own = ({ userId, sessionId }: SignedIn) => ({ userId, sessionId, origin: systemOrigin })

const keep = async (scene: Scene, live: Promise<LiveSession | undefined>): Promise<void> => {
  const session = await live
  if (session !== undefined) scene.issued.push(session)
}

const refreshOf =
  (who: 'self' | 'other'): Deed =>
  scene =>
    keep(scene, refresh(t.engine, { text: scene[who].refresh, origin: systemOrigin, countUse: () => {} }))

/** As a door does it once the password was found right: the version was read before. */
const signInAgain: Deed = async scene => {
  const { userId } = scene.self
  const [{ version } = { version: 0 }] = await t.engine.db
    .selectFrom('users')
    .select('version')
    .where('id', '=', userId)
    .execute()
  await keep(
    scene,
    inTransaction(t.engine.db, work =>
      startSession(t.engine, work, {
        userId,
        userVersion: version,
        amr: ['pwd'],
        device: '',
        origin: systemOrigin,
      }),
    ),
  )
}

/** As a step-up does it once the password was found right. */
const stepUp: Deed = scene =>
  keep(
    scene,
    inTransaction(t.engine.db, async work => {
      const secretId = await t.engine.processes.secretInForce(work)
      await lockUser(work, scene.self.userId)
      const subject = { ...own(scene.self), amr: ['pwd'], secretId }
      return (await applyConsequences(t.engine, work, 'step-up', subject)).renewed
    }),
  )

const deeds: Readonly<Record<string, Deed>> = {
  'refresh here': refreshOf('self'),
  'refresh here, too': refreshOf('self'),
  'refresh there': refreshOf('other'),
  'sign in': signInAgain,
  'step up': stepUp,
  'log out': ({ self }) => logOut(t.engine, own(self)),
  'end all others': ({ self }) => endAllOtherSessions(t.engine, own(self)),
  'take the role': ({ self }) =>
    changeRoles(t.engine, { userId: self.userId, roles: ['user'], origin: systemOrigin }),
  'give another role': ({ self }) =>
    changeRoles(t.engine, { userId: self.userId, roles: ['user', 'moderator'], origin: systemOrigin }),
  disable: ({ self }) => disableUser(t.engine, { userId: self.userId, origin: systemOrigin }),
}

const readAll = async (userId: string) => {
  const { db } = t.engine
  const sessions = await db.selectFrom('sessions').selectAll().where('user_id', '=', userId).execute()
  const ids = [userId, ...sessions.map(({ id }) => id)]
  return {
    user: await db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirstOrThrow(),
    roles: (
      await db.selectFrom('user_roles').select('role').where('user_id', '=', userId).orderBy('role').execute()
    ).map(({ role }) => role),
    sessions,
    cutOffs: await db.selectFrom('cut_offs').selectAll().where('subject', 'in', ids).execute(),
  }
}

/** What must hold however the deeds came to lie between each other. */
const check = async ({ self, issued }: Scene, done: ReadonlySet<string>): Promise<void> => {
  const { user, roles, sessions, cutOffs } = await readAll(self.userId)
  const live = sessions.filter(({ ended_at }) => ended_at === null)
  const outlasts = (kind: string, subject: string, exp: number): boolean =>
    cutOffs.some(row => row.kind === kind && row.subject === subject && row.matters_until >= exp + margin)

  for (const { session, roles: claimed } of issued) {
    const row = sessions.find(({ id }) => id === session.id)
    const exp = session.token_expires_at
    assert.ok(row && row.token_expires_at >= exp, 'what was promised is kept with the session')
    if (row.ended_at !== null)
      assert.ok(
        outlasts('session', row.id, exp) || outlasts('user', user.id, exp),
        'a token outlives its end',
      )
    else if (claimed.join() !== roles.join())
      assert.ok(outlasts('reread-user', user.id, exp), 'a token outlives the re-read of its roles')
  }
  for (const { id } of live) assert.ok(!cutOffs.some(row => row.subject === id), 'what is cut off has ended')
  if (user.disabled_at !== null) assert.deepEqual(live, [], 'a disabled user has a live session')
  const line = new Set([self.sessionId])
  for (const { id, replaced_by } of sessions) if (line.has(id) && replaced_by !== null) line.add(replaced_by)
  const liveHere = live.filter(({ id }) => line.has(id))
  assert.ok(liveHere.length <= 1, 'one session has two lives')
  if (done.has('log out')) assert.deepEqual(liveHere, [], 'a session outlived its logout')
}

const newScene = async (name: string): Promise<Scene> => {
  const { id } = await addUser(t.engine, name, { roles: ['moderator', 'user'] })
  const scene: Scene = { self: await signInAs(t.engine, id), other: await signInAs(t.engine, id), issued: [] }
  t.clock.advance(16_000)
  return scene
}

const play = async (
  name: string,
  chosen: readonly string[],
  waits: readonly number[] = [],
): Promise<void> => {
  const scene = await newScene(name)
  const results = await Promise.allSettled(
    chosen.map(async (deed, index) => {
      await delay(waits[index] ?? 0)
      await deeds[deed]?.(scene)
    }),
  )
  for (const result of results)
    if (result.status === 'rejected') assert.equal(result.reason.name, 'Refusal', String(result.reason.stack))
  await check(scene, new Set(chosen.filter((_, index) => results[index]?.status === 'fulfilled')))
}

test('whatever happens to one user at once, nothing is left behind that should have ended', async context => {
  const seeded = createSeeded(context)
  for (let round = 0; round < rounds; round++) {
    const chosen = Object.keys(deeds).filter(() => !seeded.oneIn(2))
    const waits = chosen.map(() => seeded.below(4))
    await play(`crowd-${round}`, chosen, waits)
  }
})

/** Those that meet on the same rows, each time at the same moment. */
const meetings = [
  ['refresh here', 'take the role', 'refresh there'],
  ['take the role', 'give another role', 'take the role'],
  ['end all others', 'refresh there', 'refresh here'],
  ['step up', 'log out', 'refresh here'],
] as const

for (const [index, meeting] of meetings.entries())
  test(`at the same moment: ${meeting.join(', ')}`, async () => {
    for (let round = 0; round < rounds; round++) await play(`meeting-${index}-${round}`, meeting)
  })

test('a refresh that overtakes a change of roles promises no token beyond it', async () => {
  const scene = await newScene('overtaken')
  // The change has looked up the latest promise, and can't write its cut-off yet.
  const letGo = await second.holdWrites('cut_offs')
  const change = deeds['take the role']?.(scene)
  await second.untilBlocked(1)
  const overtaking = deeds['refresh here']?.(scene)
  await Promise.race([second.untilBlocked(2), overtaking])
  letGo()
  await Promise.all([change, overtaking])
  await check(scene, new Set())
})

test('a user who signs in two hundred times at once has a hundred sessions', async () => {
  const { id } = await addUser(t.engine, 'everywhere')
  const scene: Scene = { self: await signInAs(t.engine, id), other: await signInAs(t.engine, id), issued: [] }
  for (let batch = 0; batch < 10; batch++)
    await Promise.all(Array.from({ length: 20 }, () => signInAgain(scene)))
  const live = (await readAll(id)).sessions.filter(({ ended_at }) => ended_at === null)
  assert.equal(live.length, 100)
})

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { second } from 'gatewright/clock'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { applyConsequences } from '../../packages/gatewright/src/consequences/apply.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { refresh } from '../../packages/gatewright/src/sign-in/refresh.ts'
import { signIn } from '../../packages/gatewright/src/sign-in/sign-in.ts'
import { stepUpByPassword } from '../../packages/gatewright/src/sign-in/step-up.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { testsDatabase } from '../environment.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { createCheapHasher, hashCheaply } from '../models/cheap-passwords.ts'
import { stopAt } from '../models/interleave.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'
import { addUser, type SignedIn, signInAs } from './signed-in.ts'

const window = 10 * second
const shown = 'the password of a test'

let t: TestApp
let [lock, beside]: SecondConnection[] = []
let users = 0
let username: string
let held: SignedIn

/** What locks and what changes beside it, each over a connection of its own. */
const connections = (): readonly [SecondConnection, SecondConnection] => {
  assert.ok(lock && beside)
  return [lock, beside]
}

before(async () => {
  t = await startTestApp()
  lock = openSecondConnection(t.engine)
  beside = openSecondConnection(t.engine)
})
after(async () => {
  for (const each of connections()) each.close()
  await t.close()
})
beforeEach(async () => {
  // The secret in force is known for some seconds then: the steps that are counted below are the same each time.
  await t.engine.processes.beat()
  username = `ann${++users}x`
  const { id } = await addUser(t.engine, username, { passwordHash: hashCheaply(shown) })
  held = await signInAs(t.engine, id)
})

const readSession = (id: string) => connections()[1].row('select * from sessions where id = ?', id)
const codeOf = (answering: Promise<unknown>): Promise<unknown> =>
  answering.then(
    () => 'answered',
    (error: unknown) => (error instanceof Refusal ? error.code : error),
  )

/** On SQLite a transaction holds the only write lock: nothing comes in between. */
const onSeveralConnections = { skip: testsDatabase.kind === 'sqlite' && 'SQLite has one writer' }

describe('a refresh that has judged, and has not answered yet', onSeveralConnections, () => {
  /** Between the look at the session and the change of it, something happens to it that locks no user. */
  const refreshBeside = async (happen: string): Promise<unknown> => {
    const [locking, changing] = connections()
    t.clock.advance(window)
    const letGo = await locking.holdWrites('audit_events')
    const answer = codeOf(refresh(t.engine, { text: held.refresh, origin, countUse: () => {} }))
    await Promise.race([changing.untilBlocked(1), answer])
    await changing.run(`update sessions set ${happen} where id = ?`, held.sessionId)
    letGo()
    return answer
  }

  test('promises nothing to a session that has ended meanwhile', async () => {
    const before = readSession(held.sessionId)
    assert.equal(await refreshBeside(`ended_at = 1, end_reason = 'logout'`), 'session_ended')
    const { ended_at, end_reason, ...rest } = readSession(held.sessionId) ?? {}
    assert.deepEqual({ ...rest, ended_at: null, end_reason: null }, before)
    assert.deepEqual([Number(ended_at), end_reason], [1, 'logout'])
  })

  test('makes no second successor where the session has moved on meanwhile', async () => {
    assert.equal(await refreshBeside('generation = generation + 1'), 'session_ended')
    assert.equal(Number(readSession(held.sessionId)?.generation), 2)
  })
})

describe('what was inserted and is not committed yet', onSeveralConnections, () => {
  const password = parsePassword(shown)
  const ways = {
    'a session just begun': {
      // Found by name, looked at whether held, counted, checked; three kinds of factor looked for, roles read, inserted.
      place: 9,
      start: (engine: TestApp['engine']) => signIn(engine, { name: username, password, device: '', origin }),
    },
    'a session under its new id': {
      // Found, counted, checked, locked, forgiven; read, ended, cut off, noted, inserted.
      place: 11,
      start: (engine: TestApp['engine']) =>
        stepUpByPassword(engine, { userId: held.userId, sessionId: held.sessionId, password, origin }),
    },
  }
  const meet = async ({ place, start }: (typeof ways)[keyof typeof ways], end: () => Promise<unknown>) => {
    const stop = stopAt({ ...t.engine, hasher: createCheapHasher() }, place)
    const starting = start(stop.engine)
    await Promise.race([stop.reached, starting])
    const ending = end()
    await Promise.race([connections()[0].untilBlocked(1), ending])
    stop.go()
    const [{ session }] = await Promise.all([starting, ending])
    assert.equal(readSession(session.id)?.end_reason, 'user_disabled')
  }
  const subject = () => ({ userId: held.userId, origin })

  for (const [name, way] of Object.entries(ways)) {
    test(`${name}: an event that ends everything waits for it, and ends it`, () =>
      meet(way, () => disableUser(t.engine, subject())))

    test(`${name}: the row of the table alone waits for it, whoever applies it and locked nothing`, () =>
      meet(way, () =>
        inTransaction(t.engine.db, work => applyConsequences(t.engine, work, 'user disabled', subject())),
      ))
  }
})

test(
  'of two refreshes at once the second waits, and gets what the first has made',
  onSeveralConnections,
  async () => {
    t.clock.advance(window)
    const show = (engine: TestApp['engine']) =>
      refresh(engine, { text: held.refresh, origin, countUse: () => {} })
    // Looked up, locked, looked up again.
    const stop = stopAt(t.engine, 3)
    const first = show(stop.engine)
    await stop.reached
    const late = show(t.engine)
    await connections()[0].untilBlocked(1)
    stop.go()
    const answers = await Promise.all([first, late])
    assert.deepEqual(
      answers.map(({ session }) => session.generation),
      [2, 2],
    )
  },
)

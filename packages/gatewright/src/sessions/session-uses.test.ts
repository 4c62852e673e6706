import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, mock, test } from 'node:test'
import { testsDatabase } from '../../../../test/environment.ts'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { untilEqual } from '../../../../test/process/until.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { systemOrigin } from '../audit/record.ts'
import { hour, minute, second } from '../ground/clock.ts'
import type { DatabaseTransaction } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { replaceRoles } from '../users/users.ts'
import { listSessions } from './list-sessions.ts'
import { createSessionUses, type SessionUses } from './session-uses.ts'
import { endSessions } from './sessions.ts'

let t: TestApp
let connection: SecondConnection
before(async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  t = await startTestApp()
  t.engine.revocations.stop()
  connection = openSecondConnection(t.engine)
})
after(async () => {
  connection.close()
  await t.close()
  mock.timers.reset()
})

let users = 0
let ann: SignedIn
let begin: number
let uses: SessionUses
beforeEach(async () => {
  ann = await signInAs(t.engine, (await addUser(t.engine, `ann${++users}`)).id)
  begin = t.clock.now()
  uses = t.engine.uses
})

const address = '192.0.2.9'
/** A use so long after the session began, a while ago. */
const note = (after: number, held = ann): void => {
  t.clock.advance(Math.max(0, begin + after + minute - t.clock.now()))
  uses.note(held.sessionId, { at: begin + after, address })
}
const rowOf = ({ sessionId }: SignedIn) =>
  t.engine.db.selectFrom('sessions').selectAll().where('id', '=', sessionId).executeTakeFirstOrThrow()
/** How long after its begin the session was last used, as the database has it. */
const written = async (held = ann): Promise<number> => (await rowOf(held)).last_used_at - begin
const lockRow = (db: DatabaseTransaction) =>
  db.selectFrom('sessions').select('id').where('id', '=', ann.sessionId).forNoKeyUpdate().execute()
const end = () =>
  inTransaction(t.engine.db, work =>
    endSessions(t.engine, work, { userId: ann.userId }, { reason: 'logout', origin: systemOrigin }),
  )
const request = async (from = address, held = ann): Promise<void> => {
  const { status } = await t.call('GET', 'sessions/current', { token: held.access, address: from })
  assert.equal(status, 200)
}

describe('the last use of a session that holds tokens', () => {
  test('is written with its address in the background, within a minute', async () => {
    t.clock.advance(2 * minute)
    await request('198.51.100.7')
    assert.equal(await written(), 0)
    mock.timers.tick(minute)
    await untilEqual(() => written(), 2 * minute)
    assert.equal((await rowOf(ann)).address, '198.51.100.7')
  })

  test('is in the list at once, though it is not written yet', async () => {
    t.clock.advance(minute)
    await request('198.51.100.8')
    const [listed] = await listSessions(t.engine, ann.userId)
    assert.deepEqual([listed?.last_used_at, listed?.address], [begin + minute, '198.51.100.8'])
    const { body } = await t.call('GET', 'sessions/current', { token: ann.access })
    assert.equal(body.session.address, '198.51.100.8')
  })

  test('is written at most once a minute, and none of it is lost', async () => {
    const noteNow = () => uses.note(ann.sessionId, { at: t.clock.now(), address })
    t.clock.advance(minute)
    noteNow()
    await uses.write()
    for (let after = 10; after < 60; after += 10) {
      t.clock.advance(10 * second)
      noteNow()
      await uses.write()
      assert.equal(await written(), minute, `${after} s`)
    }
    t.clock.advance(10 * second)
    await uses.write()
    assert.equal(await written(), minute + 50 * second)
  })

  test('is noted once a minute for a token, however many requests there are', async () => {
    const noted: number[] = []
    const watched = { ...uses, note: (...use: Parameters<typeof uses.note>) => void noted.push(use[1].at) }
    const { headSteps, runSteps } = await import('../gate/gate.ts')
    const { newPassage } = await import('../gate/passage.ts')
    const { signedIn } = await import('../permissions/access-rule.ts')
    const gate = { ...t.engine, uses: watched, things: new Map() }
    for (let n = 0; n < 150; n++) {
      const rule = { access: signedIn(), limit: 'read', audit: 'none' } as const
      const rawHeaders = ['authorization', `Bearer ${ann.access}`]
      const arrived = {
        rule,
        requestId: '',
        method: 'GET',
        peer: '127.0.0.1',
        rawHeaders,
        thingId: undefined,
      }
      await runSteps(gate, headSteps, newPassage(arrived))
      t.clock.advance(second)
    }
    assert.deepEqual(
      noted.map(at => at - begin),
      [0, minute, 2 * minute],
    )
  })

  test('is written when the process closes, also within the minute', async () => {
    const other = createSessionUses(t.engine)
    other.note(ann.sessionId, { at: begin + second, address })
    await other.stop()
    assert.equal(await written(), second)
  })

  test('is written when the application closes, before the database does', async () => {
    const own = await startTestApp()
    const reader = openSecondConnection(own.engine)
    const held = await signInAs(own.engine, (await addUser(own.engine, 'ann')).id)
    own.clock.advance(second)
    assert.equal((await own.call('GET', 'me', { token: held.access, address })).status, 200)
    await own.app.close()
    await own.engine.close()
    const row = reader.row('select last_used_at, address from sessions where id = ?', held.sessionId)
    assert.deepEqual([Number(row?.last_used_at), row?.address], [own.clock.now(), address])
    reader.close()
    await own.close()
  })

  test('of hundreds of sessions is written in a few statements', async () => {
    const row = await rowOf(ann)
    const ids = Array.from({ length: 801 }, (_, n) => `many-${users}-${n}`)
    await t.engine.db
      .insertInto('sessions')
      .values(ids.map(id => ({ ...row, id })))
      .execute()
    t.clock.advance(minute)
    for (const id of ids) uses.note(id, { at: begin + minute, address })
    await uses.write()
    const rows = connection.rows(
      'select 1 from sessions where last_used_at = ? and user_id = ?',
      begin + minute,
      ann.userId,
    )
    assert.equal(rows.length, 801)
  })
})

describe('a last use is not written', () => {
  const stays = async (at = 0): Promise<void> => {
    await uses.write()
    assert.equal(await written(), at)
    assert.notEqual((await rowOf(ann)).address, address)
  }
  const set = (column: string, value: number) =>
    connection.run(`update sessions set ${column} = ? where id = ?`, value, ann.sessionId)

  test('into a session that has ended, and it stays ended', async () => {
    note(minute)
    await end()
    await stays()
    assert.equal((await rowOf(ann)).end_reason, 'logout')
  })

  test('into one whose time was over', async () => {
    await set('expires_at', begin + minute)
    note(minute)
    await stays()
  })

  test('into one that was idle too long', async () => {
    note(14 * 24 * hour)
    await stays()
  })

  const promote = () =>
    inTransaction(t.engine.db, work => replaceRoles(t.engine, work, ann.userId, ['admin']))

  test('into one of an administrator that was idle for an hour', async () => {
    await promote()
    note(hour)
    await stays()
  })

  test('into one of an administrator that is older than twelve hours', async () => {
    await promote()
    await set('created_at', begin - 12 * hour + minute)
    note(minute)
    await stays()
  })

  test('unless it lived by a moment', async () => {
    await promote()
    await set('created_at', begin - 12 * hour + minute + 1)
    note(minute)
    await uses.write()
    assert.equal(await written(), minute)
  })

  test('where a later one stands: it never goes backwards', async () => {
    await set('last_used_at', begin + 5 * minute)
    note(4 * minute)
    t.clock.advance(2 * minute)
    await stays(5 * minute)
  })

  test('where another process wrote less than a minute before', async () => {
    const other = createSessionUses(t.engine)
    t.clock.advance(minute)
    uses.note(ann.sessionId, { at: t.clock.now(), address })
    await uses.write()
    t.clock.advance(minute - 1)
    other.note(ann.sessionId, { at: t.clock.now(), address: '203.0.113.1' })
    await other.write()
    assert.equal(await written(), minute)
    t.clock.advance(1)
    await other.write()
    assert.equal(await written(), 2 * minute - 1)
    await other.stop()
  })

  test('into a session that does not exist, and makes none', async () => {
    t.clock.advance(2 * minute)
    uses.note('A'.repeat(22), { at: begin + minute, address })
    await uses.write()
    assert.deepEqual(connection.rows('select 1 from sessions where id = ?', 'A'.repeat(22)), [])
  })

  test('as SQL that stands in an address', async () => {
    const quoted = "'; delete from sessions; --"
    t.clock.advance(2 * minute)
    uses.note(ann.sessionId, { at: begin + minute, address: quoted })
    await uses.write()
    assert.equal((await rowOf(ann)).address, quoted)
  })
})

describe('a use that can not be written now', () => {
  test('is written when the database can be written to again', async () => {
    const letGo = await connection.holdWrites('sessions')
    note(minute)
    const writing = uses.write()
    letGo()
    await writing
    await uses.write()
    assert.equal(await written(), minute)
  })

  const oneWriter = testsDatabase.kind === 'sqlite' && 'SQLite has one writer'
  test('waits for nobody who holds its row, and is written the next time', { skip: oneWriter }, async () => {
    note(minute)
    await t.engine.db.transaction().execute(async db => {
      await lockRow(db)
      await uses.write()
    })
    assert.equal(await written(), 0)
    await uses.write()
    assert.equal(await written(), minute)
  })

  test('is written the next time, where the database failed, and refuses nobody', async () => {
    await connection.run('alter table sessions rename to away')
    note(minute)
    await uses.write()
    assert.equal((await t.call('GET', 'me', { token: ann.access })).status, 200)
    await connection.run('alter table away rename to sessions')
    await uses.write()
    assert.equal(await written(), 2 * minute)
  })

  test('is given up when its session has ended, and kept no longer than three minutes', async () => {
    note(minute)
    await end()
    await uses.write()
    t.clock.advance(4 * minute)
    await uses.write()
    assert.equal(uses.withLastUse(await rowOf(ann)).last_used_at, begin)
  })

  test('does not fill the memory: beyond a bound further sessions go unnoted', async () => {
    const few = createSessionUses(t.engine, 2)
    const letGo = await connection.holdWrites('sessions')
    for (let n = 0; n < 10; n++) few.note(`full-${n}`, { at: begin, address })
    letGo()
    const isNoted = (id: string) =>
      few.withLastUse({ id, last_used_at: 0, address: '' }).last_used_at === begin
    const count = Array.from({ length: 10 }, (_, n) => `full-${n}`).filter(isNoted).length
    assert.equal(count, 4, 'two that are being written, and two that wait')
    await few.stop()
  })
})

describe('use between two refreshes counts against the idle time', () => {
  test('at once in the process that saw it, and in others when it is written', async owner => {
    const own = await startTestApp({ sessionIdleTtl: 10 * minute })
    owner.after(() => own.close())
    const refresh = async (held: SignedIn) =>
      (await own.call('POST', 'refresh', { body: { refresh_token: held.refresh } })).status
    const open = async (name: string) => signInAs(own.engine, (await addUser(own.engine, name)).id)
    const [used, unused] = [await open('used'), await open('unused')]
    own.clock.advance(9 * minute)
    assert.equal((await own.call('GET', 'me', { token: used.access })).status, 200)
    own.clock.advance(9 * minute)
    assert.deepEqual([await refresh(used), await refresh(unused)], [200, 401])
  })

  test('and for the room that the hundred-and-first session needs', async () => {
    const sessions = [ann]
    for (let n = 1; n < 100; n++) {
      t.clock.advance(1)
      sessions.push(await signInAs(t.engine, ann.userId))
    }
    t.clock.advance(second)
    await request()
    await signInAs(t.engine, ann.userId)
    assert.equal((await rowOf(ann)).ended_at, null)
    assert.equal((await rowOf(sessions[1] as SignedIn)).end_reason, 'too_many_sessions')
  })
})

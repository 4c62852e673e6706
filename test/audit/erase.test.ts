import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { inTransaction } from 'gatewright/transaction'
import { sql } from 'kysely'
import { eraseAudit, listUnerased } from '../../packages/gatewright/src/administration/erase-audit.ts'
import { eraseOverdue } from '../../packages/gatewright/src/audit/erase-events.ts'
import { auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import { toNewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { commandLineOrigin as origin, systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { writeEvents } from '../../packages/gatewright/src/audit/write-events.ts'
import { day } from '../../packages/gatewright/src/ground/clock.ts'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'

let t: TestApp
let chief: Caller
let second: SecondConnection
before(async () => {
  t = await startTestApp()
  chief = await signUp(t, 'chief', ['admin'])
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})

const erasedBy = (reason: string) =>
  second.rows(
    `select * from audit_events where event = 'audit.erased' and reason = '${reason}' order by id desc`,
  )
const eventsOf = (userId: string) =>
  second.rows(
    'select id, event, actor, details, commitments from audit_events where user_id = ? order by id',
    userId,
  )
const besides = (userId: string) =>
  second.rows(
    'select p.* from audit_personal p join audit_events on id = event_id where user_id = ? order by id',
    userId,
  )

/** The ids that `3`, `7-9` stand for. */
const idsIn = (ranges: readonly string[]): readonly number[] =>
  ranges.flatMap(range => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })

describe('what the audit log has of a person is erased', () => {
  test('on demand: fields and salt go, events stay byte for byte, and an event names them', async () => {
    const bob = await signUp(t, 'bob')
    const from = { token: chief.access, address: '192.0.2.44' }
    await t.call('POST', `admin/users/${bob.id}/disable`, { ...from, body: { reason: 'about bob himself' } })
    await t.call('POST', `admin/users/${bob.id}/enable`, from)
    const before = eventsOf(bob.id)
    const kept = besides(bob.id).filter(
      ({ address, details }) => address === '192.0.2.44' && details === '{}',
    )
    assert.ok(kept.length > 0)
    const report = await eraseAudit(t.engine, { userId: bob.id, reason: 'asked_for', origin })
    assert.deepEqual(eventsOf(bob.id).slice(0, before.length), before)
    // Of what an administrator did, without a word about bob, there is the administrator's address alone.
    assert.deepEqual(besides(bob.id), kept)
    assert.ok(!JSON.stringify(second.rows('select * from audit_personal')).includes('about bob'))
    const [told] = erasedBy('asked_for')
    assert.deepEqual([told?.user_id, told?.actor, told?.commitments], [bob.id, 'command-line', '{}'])
    const { events, count } = JSON.parse(String(told?.details))
    assert.deepEqual([count, idsIn(events).length], [report.erased, report.erased])
    for (const id of idsIn(events)) {
      assert.ok(before.some(row => Number(row.id) === id))
      const { body } = await t.call('GET', `admin/audit/${id}`, { token: chief.access })
      assert.deepEqual([body.address, body.details.said], [null, undefined])
      assert.ok(body.erased.length > 0)
    }
    const again = await eraseAudit(t.engine, { userId: bob.id, reason: 'asked_for', origin })
    assert.deepEqual(again, { erased: 0, since: undefined, exports: [] })
    assert.equal(erasedBy('asked_for').length, 1)
  })

  test('the report names the exports with personal fields that were taken since, and no other', async () => {
    const early = await signUp(t, 'early')
    const session = await t.call('POST', 'login', { body: { username: 'chief', password } })
    for (const personal of ['true', 'false']) {
      const path = `admin/audit/export?user=early&personal=${personal}`
      assert.equal((await t.call('GET', path, { token: session.body.access_token })).status, 200)
    }
    const report = await eraseAudit(t.engine, { userId: early.id, reason: 'asked_for', origin })
    assert.deepEqual(
      report.exports.map(({ actor }) => actor),
      [chief.id],
    )
  })

  test('what an administrator did to others goes with the administrator', async () => {
    const other = await signUp(t, 'other', ['admin'])
    const target = await signUp(t, 'target')
    const from = { token: other.access, address: '192.0.2.55' }
    await t.call('POST', `admin/users/${target.id}/disable`, { ...from, body: { reason: 'x' } })
    await eraseAudit(t.engine, { userId: other.id, reason: 'asked_for', origin })
    const rows = second.rows(`select 1 from audit_personal where address = '192.0.2.55'`)
    assert.deepEqual(rows, [])
  })

  test('when the account is deleted, with the address of that very request', async () => {
    const gone = await signUp(t, 'gone')
    const address = '192.0.2.66'
    const { status } = await t.call('DELETE', 'me', { token: gone.access, address })
    assert.equal(status, 204)
    assert.deepEqual(besides(gone.id), [])
    assert.deepEqual(second.rows('select 1 from audit_personal where address = ?', address), [])
    const [told] = erasedBy('user_deleted')
    assert.deepEqual([told?.user_id, told?.actor], [gone.id, gone.id])
    assert.deepEqual(await listUnerased(t.engine.db), [])
  })

  test('as often as it is asked for, and each event is named once, of more than one transaction erases', async () => {
    const userId = 'somebody-with-much'
    const entry = {
      at: 5,
      event: 'sign-in.failed',
      userId,
      origin: { ...systemOrigin, actor: null, address: '192.0.2.9' },
    }
    for (let batch = 0; batch < 3; batch++)
      await writeEvents(
        t.engine.db,
        Array.from({ length: 700 }, () => toNewEvent(auditEvents, entry)),
      )
    const report = await eraseAudit(t.engine, { userId, reason: 'asked_for', origin })
    assert.equal(report.erased, 2_100)
    const named = erasedBy('asked_for')
      .filter(row => row.user_id === userId)
      .flatMap(row => idsIn(JSON.parse(String(row.details)).events))
    assert.equal(new Set(named).size, 2_100)
    assert.deepEqual(besides(userId), [])
  })

  test('of counted refusals after 90 days, and not a moment earlier', async () => {
    const now = t.clock.now()
    const of = (at: number, event: string) =>
      toNewEvent(auditEvents, { at, event, origin: { ...systemOrigin, address: '198.51.100.1' } })
    await writeEvents(t.engine.db, [
      of(now - 90 * day - 1, 'credential.refused'),
      of(now - 90 * day, 'credential.refused'),
      of(now - 91 * day, 'limit.exceeded'),
      of(now - 91 * day, 'session.started'),
    ])
    const erase = () => inTransaction(t.engine.db, work => eraseOverdue(t.engine, work, systemOrigin))
    assert.deepEqual([await erase(), await erase(), await erase()], [1, 1, 0])
    const left = second.rows(
      `select event, p.at from audit_personal p join audit_events on id = event_id where p.address = '198.51.100.1' order by id`,
    )
    assert.deepEqual(
      left.map(({ event, at }) => [event, Number(at)]),
      [
        ['credential.refused', now - 90 * day],
        ['session.started', now - 91 * day],
      ],
    )
    assert.equal(erasedBy('kept_long_enough').length, 2)
  })

  test('whole or not at all: what can not be recorded is not erased', async () => {
    const halved = await signUp(t, 'halved')
    const before = besides(halved.id).length
    await second.run('alter table audit_seals rename to away')
    await second.run('alter table audit_events rename to events_away')
    try {
      await assert.rejects(eraseAudit(t.engine, { userId: halved.id, reason: 'asked_for', origin }))
    } finally {
      await second.run('alter table events_away rename to audit_events')
      await second.run('alter table away rename to audit_seals')
    }
    assert.equal(besides(halved.id).length, before)
  })
})

test('what is erased is gone from the file of SQLite, not only from its tables', {
  skip: process.env.TEST_DATABASE === 'postgres' && 'PostgreSQL has its vacuum',
}, async () => {
  const address = '198.51.100.177'
  const wiped = await signUp(t, 'wiped')
  for (let n = 0; n < 3; n++)
    await t.call('POST', 'login', { address, body: { username: 'wiped', password: 'wrong-wrong-wrong' } })
  await eraseAudit(t.engine, { userId: wiped.id, reason: 'asked_for', origin })
  await sql`pragma wal_checkpoint(truncate)`.execute(t.engine.db)
  const file = t.engine.settings.databaseUrl.replace(/^sqlite:/, '')
  assert.ok(!readFileSync(file).includes(address))
})

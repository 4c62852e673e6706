import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { day, hour, minute } from 'gatewright/clock'
import { inTransaction } from 'gatewright/transaction'
import { toFigures } from '../../packages/gatewright/src/statistics/figures.ts'
import { sweptTables } from '../../packages/gatewright/src/upkeep/housekeeping-table.ts'
import { sweep } from '../../packages/gatewright/src/upkeep/sweep.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { addUser, signInAs } from '../sessions/signed-in.ts'
import { keepHouse, newHousekeeping } from './keep-house.ts'

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
beforeEach(async () => {
  const { db } = t.engine
  for (const { table } of sweptTables) await db.deleteFrom(table as 'sessions').execute()
  for (const table of ['housekeeping', 'hook_events'] as const) await db.deleteFrom(table).execute()
})

let users = 0
const newUser = async (): Promise<string> => (await addUser(t.engine, `ann${++users}`)).id
const count = (table: string): number => Number(second.row(`select count(*) as n from ${table}`)?.n)

/** A row of each table whose time is `at`. */
const rows: Readonly<Record<string, (at: number) => Promise<object>>> = {
  idempotency_keys: async created_at => ({
    principal_kind: 'user',
    principal_id: 'somebody',
    route: 'POST /orders',
    key: String(created_at),
    request_hash: 'h',
    answer: '{}',
    created_at,
  }),
  setup_links: async expires_at => ({ id: 1, token_hash: 'hash', expires_at }),
  codes: async expires_at => ({
    id: String(expires_at),
    purpose: 'verify-email',
    secret_hash: String(expires_at),
    user_id: await newUser(),
    session_id: null,
    data: '{}',
    attempts: 0,
    created_at: 1,
    expires_at,
  }),
  totp_enrolments: async expires_at => ({
    session_id: String(expires_at),
    user_id: await newUser(),
    secret: '',
    expires_at,
  }),
  mails: async forgotten_at => ({
    id: String(forgotten_at),
    kind: 'password-changed',
    user_id: await newUser(),
    content: '',
    attempts: 1,
    due_at: 1,
    created_at: 1,
    problem: null,
    sent_at: 1,
    given_up_at: null,
    forgotten_at,
  }),
  api_keys: async ended_at => ({
    id: String(ended_at),
    user_id: await newUser(),
    name: 'a key',
    secret_hash: 'hash',
    permissions: '',
    allowed_addresses: '',
    created_at: 1,
    address: '',
    ended_at,
    end_reason: 'revoked',
  }),
  cut_offs: async matters_until => ({
    kind: 'session',
    subject: 'one',
    version: null,
    matters_until,
    created_at: 1,
  }),
  sessions: async expires_at => {
    const { sessionId } = await signInAs(t.engine, await newUser())
    const { db } = t.engine
    const row = await db.selectFrom('sessions').selectAll().where('id', '=', sessionId).executeTakeFirst()
    await db.deleteFrom('sessions').where('id', '=', sessionId).execute()
    return { ...row, expires_at, ended_at: 1, end_reason: 'logout' }
  },
  reserved_usernames: async until => ({ username_hash: String(until), until }),
  statistics_hours: async start => ({ start, ...toFigures(() => 1) }),
  permission_uses: async last_day => ({
    holder_kind: 'role',
    holder_id: 'moderator',
    permission: 'posts:moderate',
    last_day,
  }),
  limit_counters: async at => ({ key: String(at), tat: at * 1_000 }),
  sign_in_throttles: async forgotten_at => ({ key: 'a name', wrong: 1, open_at: 1, tat: 1, forgotten_at }),
  sign_in_marks: async forgotten_at => ({
    subject: 'somebody',
    pattern: 'many-failures',
    mark: '1',
    count: 1,
    forgotten_at,
  }),
  unusual: async raised_at => ({ subject: 'somebody', pattern: 'many-failures', raised_at, former_at: null }),
  known_devices: async last_used_at => ({
    id: 'a browser',
    user_id: await newUser(),
    secret_hash: 'hash',
    created_at: 1,
    last_used_at,
  }),
}

const insert = async (table: string, at: number): Promise<void> => {
  const row = await rows[table]?.(at)
  assert.ok(row, `write a row of ${table} above`)
  await t.engine.db
    .insertInto(table as 'sessions')
    .values(row as never)
    .execute()
}

describe('a row past its time', () => {
  for (const { table, keptFor } of sweptTables)
    test(`of ${table} is deleted at its millisecond, and not before`, async () => {
      await insert(table, t.clock.now() - keptFor + 1)
      await keepHouse(t)
      assert.equal(count(table), 1)
      t.clock.advance(hour - 1)
      assert.equal(await newHousekeeping(t).look(), false, 'nothing is due within the hour')
      assert.equal(count(table), 1)
      t.clock.advance(1)
      await keepHouse(t)
      assert.equal(count(table), 0)
    })

  test('is deleted of a thousand in batches, the oldest first, and counted once', async () => {
    const { now } = t.clock
    const due = now() - 2 * day
    const hashes = Array.from({ length: 1_000 }, (_, n) => ({ username_hash: `n${n}`, until: due + n }))
    await t.engine.db.insertInto('reserved_usernames').values(hashes).execute()
    await insert('reserved_usernames', now() + day)
    await keepHouse(t)
    assert.equal(count('reserved_usernames'), 1)
    const record = second.row(`select * from housekeeping where task = 'reserved_usernames'`)
    assert.deepEqual([record?.worked_off, record?.ran_at, record?.succeeded_at].map(Number), [
      1_000,
      now(),
      now(),
    ])
  })

  test('of a session is left alone while that has not ended', async () => {
    await insert('sessions', t.clock.now() - 100 * day)
    await t.engine.db.updateTable('sessions').set({ ended_at: null, end_reason: null }).execute()
    const sessions = sweptTables.find(({ table }) => table === 'sessions')
    assert.ok(sessions)
    const { db, clock } = t.engine
    assert.equal(await inTransaction(db, work => sweep(work, sessions, clock.now())), 0)
    assert.equal(count('sessions'), 1)
  })

  test('that somebody has locked is passed over, and deleted by a later run', async () => {
    const at = t.clock.now() - 2 * day
    for (let n = 0; n < 3; n++) await insert('reserved_usernames', at + n)
    const isSqlite = t.engine.settings.databaseUrl.startsWith('sqlite:')
    if (!isSqlite) {
      await second.run('begin')
      second.rows(`select * from reserved_usernames where username_hash = '${at + 1}' for update`)
    }
    await keepHouse(t)
    if (!isSqlite) {
      assert.equal(count('reserved_usernames'), 1)
      await second.run('rollback')
      t.clock.advance(hour)
      await keepHouse(t)
    }
    assert.equal(count('reserved_usernames'), 0)
  })
})

describe('a session that is over by time and that nobody has shown since', () => {
  const idle = 14 * day

  for (const [reason, wait] of [
    ['idle', idle],
    ['expired', 30 * day],
  ] as const)
    test(`has ended as ${reason}, with its audit event, cut-off and hook`, async () => {
      await t.engine.db.insertInto('declared_hooks').values({ name: 'session-ended' }).execute()
      const userId = await newUser()
      const { sessionId } = await signInAs(t.engine, userId)
      const half = wait === idle ? 0 : wait - idle + hour
      t.clock.advance(half)
      const used = t.clock.now()
      await t.engine.db.updateTable('sessions').set({ last_used_at: used }).execute()
      t.clock.advance(wait - half - 1)
      await keepHouse(t)
      assert.equal(second.row('select ended_at from sessions')?.ended_at, null)
      t.clock.advance(hour)
      await keepHouse(t)
      const now = t.clock.now()
      const ended = second.row('select ended_at, end_reason from sessions')
      assert.deepEqual([Number(ended?.ended_at), ended?.end_reason], [now, reason])
      const event = second.row(
        `select * from audit_events where session_id = '${sessionId}' order by id desc`,
      )
      assert.deepEqual(
        [event?.event, event?.reason, event?.actor, event?.user_id],
        ['session.ended', reason, 'system', userId],
      )
      const cutOff = second.row('select * from cut_offs')
      assert.deepEqual(
        [cutOff?.kind, cutOff?.subject, Number(cutOff?.matters_until)],
        ['session', sessionId, now + minute],
      )
      const hook = second.row('select * from hook_events')
      assert.deepEqual(
        [hook?.name, hook?.user_id, JSON.parse(String(hook?.details))],
        ['session-ended', userId, { sessionId, reason }],
      )
      await t.engine.db.deleteFrom('declared_hooks').execute()
    })

  test('is one of many: those in use go on, also between a hundred that are over', async () => {
    const over: string[] = []
    for (let n = 0; n < 50; n++) over.push((await signInAs(t.engine, await newUser())).sessionId)
    t.clock.advance(idle - minute)
    const live: string[] = []
    for (let n = 0; n < 20; n++) live.push((await signInAs(t.engine, await newUser())).sessionId)
    const used = over.splice(10, 5)
    await t.engine.db
      .updateTable('sessions')
      .set({ last_used_at: t.clock.now() })
      .where('id', 'in', used)
      .execute()
    t.clock.advance(minute)
    await keepHouse(t)
    const left = second.rows('select id from sessions where ended_at is null').map(({ id }) => id)
    assert.deepEqual(left.sort(), [...live, ...used].sort())
    assert.equal(count(`sessions where end_reason = 'idle'`), over.length)
  })

  test('is found behind more live ones than one transaction looks at', async () => {
    const { sessionId } = await signInAs(t.engine, await newUser())
    const row = await t.engine.db.selectFrom('sessions').selectAll().executeTakeFirstOrThrow()
    const many = (from: number) =>
      Array.from({ length: 300 }, (_, n) => ({
        ...row,
        id: `live${from + n}`,
        expires_at: row.expires_at - 1,
      }))
    for (const from of [0, 300, 600, 900])
      await t.engine.db.insertInto('sessions').values(many(from)).execute()
    t.clock.advance(idle)
    await t.engine.db
      .updateTable('sessions')
      .set({ last_used_at: t.clock.now() })
      .where('id', '!=', sessionId)
      .execute()
    await keepHouse(t)
    assert.deepEqual(
      second.rows('select id from sessions where ended_at is not null').map(({ id }) => id),
      [sessionId],
    )
  })
})

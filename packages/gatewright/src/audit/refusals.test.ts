import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { password, startTestApp, type TestApp } from '../../../../test/harness.ts'
import { untilEqual, within } from '../../../../test/process/until.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { addUser, signInAs } from '../../../../test/sessions/signed-in.ts'
import { minute } from '../ground/clock.ts'
import type { CountedEvent } from './refusal-counts.ts'
import { createRefusals, type Refusals } from './refusals.ts'

let t: TestApp
let connection: SecondConnection
before(async () => {
  t = await startTestApp()
  connection = openSecondConnection(t.engine)
})
after(async () => {
  connection.close()
  await t.close()
})

let refused: Refusals
let warnings: string[]
let reason = ''
let reasons = 0
beforeEach(() => {
  warnings = []
  reason = `reason_${++reasons}_`
  refused = open()
})
const open = (bounds?: Parameters<typeof createRefusals>[1]): Refusals => {
  const opened = createRefusals(t.engine, bounds)
  opened.tell({ warn: (_, message) => void warnings.push(message) })
  return opened
}

let requests = 0
const note = (
  group = '192.0.2.7',
  which = reason,
  by = refused,
  event: CountedEvent = 'credential.refused',
): string => {
  const requestId = `request ${++requests}`
  by.note({ event, reason: which, addressGroup: group, session: undefined, requestId })
  return requestId
}
const rows = () => connection.rows('select * from audit_events where reason like ? order by id', `${reason}%`)
const counts = () => rows().map(({ details }) => JSON.parse(String(details)).count)
const sum = () => counts().reduce((total, count) => total + count, 0)

/** The database, and what of it was called. */
const watchDatabase = () => {
  const asked: string[] = []
  const db = new Proxy(t.engine.db, {
    get: (target, name) => {
      asked.push(String(name))
      const member = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  return { db, asked }
}

const withoutTable = async (run: () => Promise<void>): Promise<void> => {
  await connection.run('alter table audit_events rename to away')
  try {
    await run()
  } finally {
    await connection.run('alter table away rename to audit_events')
  }
}

describe('refused credentials', () => {
  test('have a row for the first of a kind at once, and not when the timer looks', async () => {
    note()
    await untilEqual(counts, [1], 5_000)
    await refused.stop()
  })

  test('have one row a minute from then on, with the first and the last request', async () => {
    note()
    await refused.write()
    const first = note()
    note()
    t.clock.advance(minute - 1)
    const last = note()
    await refused.write()
    assert.deepEqual(counts(), [1])
    t.clock.advance(1)
    await refused.write()
    assert.deepEqual(counts(), [1, 3])
    const row = rows()[1]
    assert.deepEqual(
      { at: Number(row?.at), first: row?.request_id, ...JSON.parse(String(row?.details)) },
      { at: t.clock.now() - minute, first, count: 3, last_at: t.clock.now() - 1, last_request_id: last },
    )
    await refused.stop()
  })

  test('are written without a wait in the request: nothing is asked of the database before it is answered', async () => {
    const { db, asked } = watchDatabase()
    const watched = createRefusals({ db, clock: t.clock })
    for (let n = 0; n < 1_000; n++) note(`group ${n}`, reason, watched)
    // All that goes on before the loop comes to the answer of a request.
    for (let turn = 0; turn < 100; turn++) await undefined
    assert.equal(asked.length, 0)
    await watched.stop()
  })

  test('are answered while nobody can write, and their row follows', async () => {
    const address = '192.0.2.78'
    const letGo = await connection.holdWrites('audit_events')
    try {
      const answer = t.call('GET', 'me', { token: 'x', address })
      assert.equal((await within(5_000, 'the refusal is answered', answer)).status, 401)
    } finally {
      letGo()
    }
    const written = () =>
      connection.rows(
        'select reason from audit_events join audit_personal p on event_id = id where p.address = ?',
        address,
      )
    await untilEqual(() => written().map(row => row.reason), ['token_parts'])
  })

  test('pile up nothing while a write takes long: of all that come meanwhile, one waits behind it', async () => {
    let looks = 0
    const now = () => {
      looks += 1
      return t.clock.now()
    }
    refused = createRefusals({ db: t.engine.db, clock: { ...t.clock, now } })
    const letGo = await connection.holdWrites('audit_events')
    try {
      for (let n = 0; n < 200; n++) {
        note(`group ${n}`)
        await new Promise(setImmediate)
      }
    } finally {
      letGo()
    }
    assert.equal(looks, 200 + 2, 'one for each refusal, and one for each write')
    await refused.stop()
    assert.equal(sum(), 200)
  })

  test('are all written at the end, also within the minute, and while rows are being written', async () => {
    note()
    const writing = refused.write()
    for (let n = 0; n < 500; n++) note(`group ${n}`)
    note()
    await refused.stop()
    await writing
    assert.equal(sum(), 502)
  })

  test('are written when the application closes, before the database does', async () => {
    const own = await startTestApp()
    const reader = openSecondConnection(own.engine)
    const { access } = await signInAs(own.engine, (await addUser(own.engine, 'ann')).id)
    assert.equal((await own.call('POST', 'logout', { token: access })).status, 200)
    for (let n = 0; n < 25; n++) {
      assert.equal((await own.call('GET', 'me', { token: access })).status, 401)
      await own.engine.refusals.write()
    }
    await own.app.close()
    await own.engine.close()
    const told = reader.rows("select reason, details from audit_events where event = 'credential.refused'")
    assert.deepEqual(
      told.map(({ reason, details }) => [reason, JSON.parse(String(details)).count]),
      [
        ['logout', 1],
        ['logout', 24],
      ],
    )
    reader.close()
    await own.close()
  })

  test('that two count on one database are rows of both: none takes away what the other counted', async () => {
    const other = open()
    for (let n = 0; n < 7; n++) note('192.0.2.7', reason, n % 2 === 0 ? refused : other)
    await Promise.all([refused.write(), other.write()])
    for (let n = 0; n < 7; n++) note('192.0.2.7', reason, n % 2 === 0 ? other : refused)
    await Promise.all([refused.stop(), other.stop()])
    assert.equal(sum(), 14)
  })

  const flood = async (event: CountedEvent): Promise<void> => {
    const small = open({ kinds: 20, ofStrangers: 15, reasons: 5 })
    for (let n = 0; n < 20_000; n++) note(`group ${n}`, `${reason}${n % 3}`, small, event)
    await small.write()
    assert.equal(rows().length, 15 + 3)
    for (let n = 0; n < 20_000; n++) note(`other group ${n}`, `${reason}${n % 3}`, small, event)
    await small.stop()
    assert.ok(rows().length <= 2 * (15 + 3), String(rows().length))
    assert.equal(sum(), 40_000)
  }

  test('of a flood are few rows a minute, whose counts are the number of refusals', () =>
    flood('credential.refused'))

  test('of a flood over limits are as few', () => flood('limit.exceeded'))
})

describe('a disk that is nearly full', () => {
  test('takes no counted rows and everything that changes something, and what was counted once there is room', async () => {
    let room = true
    refused = createRefusals({ ...t.engine, hasRoom: () => room })
    refused.tell({ warn: (_, message) => void warnings.push(message) })
    note()
    await refused.write()
    room = false
    for (let minutes = 0; minutes < 3; minutes++) {
      t.clock.advance(minute)
      note()
      await refused.write()
    }
    assert.deepEqual(counts(), [1])
    assert.equal(warnings.length, 1, warnings.join())
    const { id } = await addUser(t.engine, 'crowded')
    await signInAs(t.engine, id)
    const started = "select 1 from audit_events where event = 'session.started' and user_id = ?"
    assert.equal(connection.rows(started, id).length, 1)
    room = true
    await refused.write()
    assert.deepEqual(counts(), [1, 3])
    await refused.stop()
  })
})

describe('a database that can not take the rows', () => {
  test('refuses nothing more and changes no answer, and is told once', async () => {
    const { access } = await signInAs(t.engine, (await addUser(t.engine, 'bob')).id)
    const begun = t.logLines.length
    const warned = () =>
      t.logLines.slice(begun).filter(line => line.includes('refusals can not be written')).length
    const shown = async (token: string) => {
      const { status, body } = await t.call('GET', 'me', { token, address: '192.0.2.77' })
      return [status, body.code]
    }
    const usual = await shown('x')
    await t.engine.refusals.write()
    await withoutTable(async () => {
      for (let minutes = 0; minutes < 3; minutes++) {
        t.clock.advance(minute)
        assert.deepEqual(await shown('x'), usual)
        assert.deepEqual(await shown(access), [200, undefined])
        await t.engine.refusals.write()
      }
      assert.equal(warned(), 1)
    })
    t.clock.advance(minute)
    await t.engine.refusals.write()
    const written = connection.rows(
      "select e.details from audit_events e join audit_personal p on event_id = id where p.address = '192.0.2.77'",
    )
    assert.deepEqual(
      written.map(({ details }) => JSON.parse(String(details)).count),
      [1, 3],
    )
  })

  test('changes nothing whose event can not be written, and goes on', async () => {
    const { id, username } = await addUser(t.engine, 'carla')
    const { access } = await signInAs(t.engine, id)
    const sessions = () => connection.rows('select id, ended_at from sessions where user_id = ?', id)
    const before = sessions()
    await withoutTable(async () => {
      const body = { username, password }
      assert.ok((await t.call('POST', 'login', { body })).status >= 500)
      assert.ok((await t.call('POST', 'logout', { token: access })).status >= 500)
      assert.equal((await t.call('GET', 'me', { token: access })).status, 200)
      assert.equal((await t.call('GET', '/healthz')).status, 200)
    })
    assert.deepEqual(sessions(), before)
    assert.equal((await t.call('POST', 'logout', { token: access })).status, 200)
  })

  test('is asked once a minute, however many are refused, and gets what was counted meanwhile', async () => {
    const { db, asked } = watchDatabase()
    refused = createRefusals({ db, clock: t.clock })
    await withoutTable(async () => {
      note()
      await refused.write()
      for (let n = 0; n < 100; n++) {
        note(`group ${n}`)
        await new Promise(setImmediate)
      }
      assert.deepEqual(asked, ['transaction'])
    })
    t.clock.advance(minute)
    await refused.write()
    assert.equal(sum(), 101)
    await refused.stop()
  })
})

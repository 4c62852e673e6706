import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Clock, systemClock } from 'gatewright/clock'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { openDatabaseClock } from '../../packages/gatewright/src/storage/database-clock.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { until } from '../process/until.ts'
import { newName, openServer, query, readdress } from './query.ts'
import { startRealApp } from './real-app.ts'

let server: Awaited<ReturnType<typeof openServer>>
let url: string
let db: Database

before(async () => {
  server = await openServer()
  const database = newName()
  await query(server.url, `create database ${database}`)
  url = readdress(server.url, { database })
  db = openDatabase(url)
})
after(async () => {
  await db.destroy()
  await server.stop()
})

type Owner = { readonly after: (end: () => void) => void }

/** A machine whose clock is wrong by so many milliseconds. */
const newMachine = (wrongBy: number): Clock & { set: (wrongBy: number) => void } => {
  let wrong = wrongBy
  return {
    ...systemClock,
    now: () => systemClock.now() + wrong,
    behind: () => 0,
    set: to => {
      wrong = to
    },
  }
}

const openClock = async (t: Owner, machine: Clock, interval = 20) => {
  const clock = await openDatabaseClock({ db, watch: db }, machine, interval)
  t.after(clock.stop)
  return clock
}

/** What an answer of the database on a loaded machine may hide, and much less than any machine here is wrong by. */
const unknown = 400

/** The database of the tests is on this machine, so its time is this machine's. */
const assertRight = (clock: Clock): void => {
  const wrong = clock.now() - systemClock.now()
  assert.ok(Math.abs(wrong) < unknown, `wrong by ${wrong} ms`)
}

describe('the time of a process', () => {
  for (const wrongBy of [-3_000, -1_500, 0, 1_500, 3_000])
    test(`whose machine is wrong by ${wrongBy} ms is the database's`, async t => {
      const clock = await openClock(t, newMachine(wrongBy))
      assertRight(clock)
      assert.ok(Math.abs(clock.difference() - Math.abs(wrongBy)) < unknown, `${clock.difference()}`)
    })

  test('follows a machine that is set, in either direction, and never runs backwards', async t => {
    const machine = newMachine(0)
    const clock = await openClock(t, machine)
    let last = clock.now()
    const tick = (): number => {
      const now = clock.now()
      assert.ok(now >= last)
      last = now
      return now
    }
    machine.set(-1_000)
    await until('it has noticed', () => clock.difference() > 1_000 - unknown)
    assertRight(clock)
    machine.set(0)
    // It has believed the machine for a moment, and now runs at half its pace.
    assert.ok(tick() - systemClock.now() > unknown)
    await until('it is right again', () => Math.abs(tick() - systemClock.now()) < unknown)
  })

  test('goes on by the last measurement while the database is away', async t => {
    const own = openDatabase(url)
    const clock = await openDatabaseClock({ db: own, watch: own }, newMachine(3_000), 20)
    t.after(clock.stop)
    await own.destroy()
    await new Promise(resolve => setTimeout(resolve, 100))
    assertRight(clock)
  })
})

test('two processes on machines 4.5 s apart promise and judge times alike; the one that is wrong by 3 s is not ready', async t => {
  const clocks = [await openClock(t, newMachine(-1_500)), await openClock(t, newMachine(3_000))] as const
  const first = await startRealApp(url, {}, { clock: clocks[0] })
  const second = await startRealApp(url, {}, { clock: clocks[1] })
  try {
    const earliest = systemClock.now()
    const token = await first.signUp('alice')
    const { iat } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    assert.ok(iat * 1_000 > earliest - 1_000 - unknown && iat * 1_000 < systemClock.now() + unknown)
    for (const app of [first, second])
      assert.equal((await app.call('GET', 'protected', { token })).status, 200)

    assert.equal((await first.call('GET', '/readyz')).status, 200)
    const ready = await second.call('GET', '/readyz')
    assert.equal(ready.status, 503)
    assert.match(ready.body.reasons.join(), /differs from the database's by more than 2 seconds/)
  } finally {
    await first.close()
    await second.close()
  }
})

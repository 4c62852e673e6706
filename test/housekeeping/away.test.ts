import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { hour } from 'gatewright/clock'
import { createHousekeeping, type Housekeeping } from '../../packages/gatewright/src/upkeep/housekeeping.ts'
import { testsDatabase } from '../environment.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { openBlockingClient } from '../postgres/blocking-client.ts'
import { until } from '../process/until.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import { newHousekeeping } from './keep-house.ts'

const rows = 1_000

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

/** Nobody else can use the database until it is given back. */
const takeAway = async (): Promise<() => void> => {
  const { databaseUrl } = t.engine.settings
  if (testsDatabase.kind === 'sqlite') {
    const second = openSecondConnection(t.engine)
    const giveBack = await second.holdWrites('leases')
    return () => {
      giveBack()
      second.close()
    }
  }
  const name = new URL(databaseUrl).pathname.slice(1)
  const server = openBlockingClient(testsDatabase.server ?? '')
  server.query(`alter database ${name} allow_connections false`)
  server.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)
  return () => {
    server.query(`alter database ${name} allow_connections true`)
    server.close()
  }
}

const countLeft = async (): Promise<number> =>
  (await t.engine.db.selectFrom('reserved_usernames').selectAll().execute()).length

/** Connections of before may be found dead one after the other. */
const untilDone = ({ look }: Housekeeping): Promise<number> =>
  until('a look does what is due', () => look().catch(() => false))

test('a database that is away in the middle of a run loses nothing: the next look goes on where it was', async () => {
  const { db } = t.engine
  const past = Array.from({ length: rows }, (_, n) => ({ username_hash: `h${n}`, until: n }))
  await db.insertInto('reserved_usernames').values(past).execute()

  let giveBack: (() => void) | undefined
  let batches = 0
  const clock = {
    ...t.clock,
    sleep: async () => {
      if (++batches === 2) giveBack = await takeAway()
    },
  }
  const lines: unknown[] = []
  const housekeeping = createHousekeeping({ ...t.engine, clock })
  housekeeping.start({ warn: fields => void lines.push(fields) })
  await housekeeping.look().catch(error => lines.push(error))
  assert.ok(lines.length > 0, 'what failed is told')
  giveBack?.()
  await untilDone(housekeeping)
  assert.equal(await countLeft(), 0)
  const record = await db
    .selectFrom('housekeeping')
    .select('worked_off')
    .where('task', '=', 'reserved_usernames')
    .executeTakeFirst()
  assert.equal(record?.worked_off, rows)
  await housekeeping.stop()
})

test('a database that is away at a look is asked again at the next one', async () => {
  t.clock.advance(hour)
  const housekeeping = newHousekeeping(t)
  const giveBack = await takeAway()
  await assert.rejects(housekeeping.look())
  giveBack()
  await untilDone(housekeeping)
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inTransaction } from 'gatewright/transaction'
import pg from 'pg'
import { recordCutOffs } from '../../packages/gatewright/src/revocation/cut-offs.ts'
import { engineMigrations, migrate } from '../../packages/gatewright/src/storage/migrate.ts'
import { real } from '../harness.ts'
import { startProxy } from '../postgres/proxy.ts'
import { addDatabase, newName, openServer, query } from '../postgres/query.ts'
import { until } from '../process/until.ts'
import { findPgbouncer, startPgbouncer } from '../servers/pgbouncer.ts'
import { type Listening, listen } from './lines.ts'

const pgbouncer = await findPgbouncer()

let server: Awaited<ReturnType<typeof openServer>>
let url: string
before(async () => {
  server = await openServer()
  url = await newDatabase()
})
after(() => server.stop())

const newDatabase = (): Promise<string> => addDatabase(server.url)

type Owner = { readonly after: (end: () => Promise<void>) => void }

const open = async (t: Owner, databaseUrl = url): Promise<Listening> => {
  const listening = listen(t, { databaseUrl })
  await migrate(listening.db, engineMigrations)
  return listening
}

const openWorking = async (t: Owner, databaseUrl = url): Promise<Listening> => {
  const listening = await open(t, databaseUrl)
  await until('it listens', listening.works)
  return listening
}

const [byLine, byTime] = [0, 1]
const revocations = { apply: () => {} }

/** Takes something back as every event does; `body` goes on in its transaction. */
const takeBack = ({ db }: Listening, body: () => Promise<void> = async () => {}): Promise<void> =>
  inTransaction(db, async work => {
    const cutOff = { kind: 'session', subject: newName(), promisedUntil: 0 } as const
    await recordCutOffs({ clock: real.clock, revocations }, work, [cutOff, { ...cutOff, subject: newName() }])
    await body()
  })

const listenerOf = async (): Promise<number> => {
  const [row] = await query(
    url,
    `select pid from pg_stat_activity where datname = current_database() and query like 'listen "gatewright%'`,
  )
  return Number(row?.pid)
}

describe('a process that listens', { concurrency: true }, () => {
  test('is woken once by the commit of what was taken back, and not before', async t => {
    const own = await newDatabase()
    const [here, elsewhere] = [await openWorking(t, own), await openWorking(t, own)]
    const before = here.wakes[byLine] ?? 0
    await takeBack(elsewhere, async () => {
      await delay(100)
      assert.equal(here.wakes[byLine], before)
    })
    await until('it is woken', () => here.wakes[byLine] === before + 1)
  })

  test('is told nothing but that there is something: a notification carries no word', async t => {
    const elsewhere = await open(t)
    const client = new pg.Client(url)
    const heard: (string | undefined)[] = []
    client.on('notification', ({ payload }) => heard.push(payload))
    await client.connect()
    t.after(() => client.end())
    await client.query('listen gatewright_cut_offs')
    await takeBack(elsewhere)
    await until('it is notified', () => heard.length > 0)
    assert.deepEqual(new Set(heard), new Set(['']))
  })

  test('does not poll beside', async t => {
    const here = await openWorking(t)
    const before = here.wakes[byTime]
    await delay(1_000)
    assert.equal(here.wakes[byTime], before)
    assert.deepEqual(here.log, [])
  })
})

test('what was rolled back wakes nobody', async t => {
  const [here, elsewhere] = [await openWorking(t), await openWorking(t)]
  const before = here.wakes[byLine]
  await assert.rejects(
    takeBack(elsewhere, async () => {
      throw new Error('undone')
    }),
    /undone/,
  )
  await delay(200)
  assert.equal(here.wakes[byLine], before)
})

test('a listener that is cut is made again, with a read at once, and meanwhile time wakes', async t => {
  const here = await openWorking(t)
  const [heard = 0, polled = 0] = here.wakes
  await query(url, 'select pg_terminate_backend($1)', [await listenerOf()])
  await until('it is noticed', () => !here.works())
  await until('it listens again', here.works)
  assert.ok((here.wakes[byLine] ?? 0) >= heard + 2, 'a read when it was cut, and one when it listened')
  assert.match(here.log[0] ?? '', /is away: it is asked for every 250 ms.*the connection was cut/)
  assert.match(here.log[1] ?? '', /tells at once/)
  assert.equal(here.log.length, 2)
  assert.ok((here.wakes[byTime] ?? 0) >= polled)
  await takeBack(here)
})

describe('a listener', { concurrency: true }, () => {
  for (const { name, milliseconds } of [
    { name: 'half-open, on which nothing comes any more,', milliseconds: 1e8 },
    { name: 'that delivers a minute late', milliseconds: 60_000 },
  ])
    test(`${name} is noticed and made again`, async t => {
      const proxy = await startProxy({ port: Number(new URL(url).port) })
      t.after(proxy.close)
      const through = new URL(url)
      through.port = String(proxy.port)
      const here = await openWorking(t, through.href)
      proxy.delayAnswers('listen "gatewright', milliseconds)
      const noticed = await until('it is noticed', () => !here.works(), 20_000)
      t.diagnostic(`noticed after ${noticed.toFixed(0)} ms`)
      assert.match(here.log[0] ?? '', /is away.*it has fallen silent/)
      await until('it listens again', here.works)
      const before = here.wakes[byLine] ?? 0
      await takeBack(here)
      await until('it is woken', () => (here.wakes[byLine] ?? 0) > before)
    })
})

describe('behind PgBouncer', { concurrency: true, skip: typeof pgbouncer === 'string' && pgbouncer }, () => {
  const start = async (t: Owner, mode: 'session' | 'transaction'): Promise<string> => {
    if (typeof pgbouncer === 'string') throw new Error(pgbouncer)
    const bouncer = await startPgbouncer(pgbouncer, { server: url, mode })
    t.after(bouncer.stop)
    return bouncer.url
  }

  test('that lends connections for a transaction nothing is heard, which is found out, told once, and polled', async t => {
    const here = await open(t, await start(t, 'transaction'))
    await until('it is told', () => here.log.length > 0, 20_000)
    assert.match(here.log[0] ?? '', /notifications of PostgreSQL do not arrive.*every 250 ms/)
    const before = here.wakes[byTime] ?? 0
    const polled = (): number => (here.wakes[byTime] ?? 0) - before
    const took = await until('it polls four times', () => polled() >= 4, 5_000)
    assert.ok(took > 3 * 250 * 0.9, `four times in ${took} ms`)
    assert.equal(here.log.length, 1)
  })

  test('that lends them for as long as a client stays everything is heard', async t => {
    const here = await openWorking(t, await start(t, 'session'))
    const before = here.wakes[byLine] ?? 0
    await takeBack(here)
    await until('it is woken', () => (here.wakes[byLine] ?? 0) > before)
  })
})

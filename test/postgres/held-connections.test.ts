import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createApp } from 'gatewright/app'
import { compose } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { inTransaction } from 'gatewright/transaction'
import { sql } from 'kysely'
import pg from 'pg'
import { pino } from 'pino'
import { emitHook } from '../../packages/gatewright/src/hooks/emit.ts'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { until } from '../process/until.ts'
import { startProxy } from './proxy.ts'
import { addDatabase, openServer, query } from './query.ts'
import { secret, startRealApp } from './real-app.ts'

const bound = 2_000
const pool = 3
const quiet = { warn: () => {}, error: () => {} }
const noDatabase = '/healthz'

let server: Awaited<ReturnType<typeof openServer>>

before(async () => {
  server = await openServer()
})
after(() => server.stop())

const newDatabase = (): Promise<string> => addDatabase(server.url)

type Owner = { readonly after: (end: () => Promise<void>) => void }

const start = async (t: Owner, url: string, overrides: object = {}) => {
  const app = await startRealApp(url, { revocationMaxAge: bound, databasePool: pool, ...overrides })
  t.after(app.close)
  return app
}

test('a logout elsewhere is seen, and whoever needs no database is answered, while requests hold every connection', async t => {
  const url = await newDatabase()
  const [app, elsewhere] = [await start(t, url), await start(t, url)]
  const [token, other] = [await app.signUp('alice'), await app.signUp('bob')]
  for (let held = 0; held < pool; held++) sql`select pg_sleep(14)`.execute(app.engine.db).catch(() => {})
  const sleeping = `from pg_stat_activity where query = 'select pg_sleep(14)' and datname = current_database()`
  await delay(bound + 500)

  assert.equal((await app.call('GET', noDatabase, { token })).status, 200)
  assert.equal((await app.call('GET', '/readyz')).status, 200)
  assert.equal((await elsewhere.call('POST', 'logout', { token: other })).status, 200)
  const statusOf = async (bearer: string) => (await app.call('GET', noDatabase, { token: bearer })).status
  await until('the logout is seen', async () => (await statusOf(other)) === 401, 3_000)
  assert.equal(await statusOf(token), 200)
  const ended = await query(url, `select pg_cancel_backend(pid) as was_held ${sleeping} and state = 'active'`)
  assert.deepEqual(ended, Array(pool).fill({ was_held: true }))
})

test('many who ask whether a process is ready take nothing from its feed: one of them asks at a time', async t => {
  const { engine } = await start(t, await newDatabase())
  let [open, most] = [0, 0]
  const watch = engine.watch.withPlugin({
    transformQuery: ({ node }) => {
      open += 1
      most = Math.max(most, open)
      return node
    },
    transformResult: async ({ result }) => {
      open -= 1
      return result
    },
  })
  // As after half a minute without a read: only then is the database asked itself.
  const revocations = { ...engine.revocations, trouble: () => ({ why: 'too old', since: 31_000 }) }
  const { app } = await createApp({
    engine: { ...engine, watch, revocations },
    log: pino({ level: 'silent' }),
    mount: '/auth',
  })
  t.after(() => app.close())
  await Promise.all(Array.from({ length: 2_000 }, () => app.inject('/readyz')))
  assert.equal(most, 1)
})

test('a feed whose connection falls silent is read over another before the bound has passed', async t => {
  const url = new URL(await newDatabase())
  const proxy = await startProxy({ port: Number(url.port) })
  url.port = String(proxy.port)
  // Both connections of the feed are silent, and each has its second.
  const longer = 2 * bound
  const app = await start(t, url.href, { revocationMaxAge: longer })
  t.after(proxy.close)
  const token = await app.signUp('alice')
  const ages: number[] = []
  const look = (): number => {
    const age = app.engine.revocations.age()
    ages.push(age)
    return age
  }
  await until('it is followed', () => look() < Math.max(...ages))
  proxy.silence()
  await until('it is read again', () => look() < 500 && Math.max(...ages) > 800)
  assert.ok(Math.max(...ages) < longer, `${Math.max(...ages)}`)
  assert.equal((await app.call('GET', noDatabase, { token })).status, 200)
})

test('a lock on the table of cut-offs holds up one read at a time, for a second', async t => {
  const url = await newDatabase()
  const app = await start(t, url)
  const locking = new pg.Client(url)
  await locking.connect()
  await locking.query('begin; lock table cut_offs in access exclusive mode')
  await until('the view grows old', () => app.engine.revocations.age() > 1_200)
  await locking.end()
  await until('it is read again', () => app.engine.revocations.age() < 500, 3_000)
})

test('closing waits a bounded time for a transaction that never ends, of whoever has it', async () => {
  const db = openDatabase(await newDatabase(), { pool: 1 })
  let hasBegun = (): void => {}
  const begun = new Promise<void>(resolve => {
    hasBegun = resolve
  })
  void db.transaction().execute(async transaction => {
    await sql`select 1`.execute(transaction)
    hasBegun()
    await new Promise(() => {})
  })
  await begun
  const from = performance.now()
  await db.destroy()
  const took = performance.now() - from
  assert.ok(took > 1_500 && took < 10_000, `${took}`)
})

test('an engine closes although a hook holds a transaction for ever, and leaves no connection', async () => {
  const url = await newDatabase()
  const engine = await compose({
    settings: defaultSettings({ nodeEnv: 'test', databaseUrl: url, gatewrightSecret: [secret] }),
  })
  let hasBegun = (): void => {}
  const begun = new Promise<void>(resolve => {
    hasBegun = resolve
  })
  const registered = (_event: unknown, { db }: { readonly db: typeof engine.db }): Promise<void> =>
    db.transaction().execute(async transaction => {
      await sql`select 1`.execute(transaction)
      hasBegun()
      await new Promise(() => {})
    })
  await engine.hooks.start({ registered }, quiet)
  await inTransaction(engine.db, work => emitHook(engine, work, 'registered', { userId: 'ann', roles: [] }))
  engine.hooks.wake()
  await begun
  const from = performance.now()
  await engine.close()
  assert.ok(performance.now() - from < 20_000)
  await until(
    'no connection is left',
    async () => {
      const others =
        'select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
      return (await query(url, others)).length === 0
    },
    // The server would end it by itself, later.
    5_000,
  )
})

describe('a connection', () => {
  const longestSilence = 1_000
  const open = async (t: Owner): Promise<Database> => {
    const db = openDatabase(await newDatabase(), { pool: 1, longestSilence })
    t.after(() => db.destroy())
    return db
  }
  const processOf = async (db: Database): Promise<number> =>
    (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]?.pid ?? assert.fail()

  test('that rests in the pool may be silent for longer than one that somebody has', async t => {
    const db = await open(t)
    const first = await processOf(db)
    for (let rest = 1; rest <= 2; rest++) {
      await delay(longestSilence * 2)
      assert.equal(await processOf(db), first)
    }
  })

  test('whose answer came while this process stood still is not given up for its own silence', async t => {
    const db = await open(t)
    const first = await processOf(db)
    const answer = sql<{ pid: number }>`select pg_backend_pid() as pid, pg_sleep(0.1)`.execute(db)
    // The question is on its way. Behind this turn of the loop timers come first, as after a SIGSTOP.
    await delay(20)
    await new Promise(resolve => setImmediate(resolve))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, longestSilence * 1.5)
    assert.equal((await answer).rows[0]?.pid, first)
    assert.equal(await processOf(db), first)
  })

  test('that has rested is given up as soon as any other when its server is silent', async t => {
    const db = await open(t)
    const stopped = await processOf(db)
    await delay(longestSilence * 2)
    process.kill(stopped, 'SIGSTOP')
    t.after(async () => void process.kill(stopped, 'SIGCONT'))
    const from = performance.now()
    await assert.rejects(processOf(db), /Connection terminated/)
    const took = performance.now() - from
    assert.ok(took > longestSilence * 0.9 && took < longestSilence * 5, `${took}`)
    assert.notEqual(await processOf(db), stopped)
  })

  test('that is closed is not kept open by a server that does not say goodbye', async t => {
    const db = await open(t)
    const stopped = await processOf(db)
    process.kill(stopped, 'SIGSTOP')
    t.after(async () => void process.kill(stopped, 'SIGCONT'))
    const countSockets = () =>
      process.getActiveResourcesInfo().filter(resource => resource === 'TCPSocketWrap').length
    const before = countSockets()
    assert.ok(before > 0)
    await db.destroy()
    await until('its socket is closed', () => countSockets() < before, longestSilence * 5)
  })
})

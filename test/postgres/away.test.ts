import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inTransaction } from 'gatewright/transaction'
import { sql } from 'kysely'
import pg from 'pg'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { isDatabaseFailure } from '../../packages/gatewright/src/storage/database-failure.ts'
import type { Answer } from '../harness.ts'
import { until } from '../process/until.ts'
import { startProxy } from './proxy.ts'
import { addDatabase, newName, query, readdress } from './query.ts'
import { type RealApp, startRealApp } from './real-app.ts'
import { type PostgresServer, startPostgres } from './server.ts'

const bound = 4_000
/** Needs nothing but a caller whose credential is right. */
const noDatabase = '/healthz'

let server: PostgresServer

before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const newDatabase = (): Promise<string> => addDatabase(server.url)

type Owner = { readonly after: (end: () => Promise<void>) => void }

const start = async (t: Owner, url?: string): Promise<RealApp> => {
  const app = await startRealApp(url ?? (await newDatabase()), { revocationMaxAge: bound })
  t.after(app.close)
  return app
}

const assertUnavailable = ({ status, headers, body }: Answer): void => {
  assert.deepEqual([status, body.code], [503, 'unavailable'], JSON.stringify(body))
  assert.ok(Number(headers['retry-after']) >= 1)
}

const databaseOf = (app: RealApp): string => app.engine.settings.databaseUrl

/** Ends all its connections, and waits until the server has none of them. */
const terminate = (app: RealApp): Promise<unknown> =>
  query(
    databaseOf(app),
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )

/** Writes without a pause until `stop`; gives the titles that were answered with 201. */
const keepWriting = (t: Owner, app: RealApp, token: string) => {
  const written: string[] = []
  const statuses = new Set<number>()
  let isOn = true
  const write = async (writer: number): Promise<void> => {
    for (let count = 0; isOn; count++) {
      const title = `todo ${writer} ${count}`
      const { status } = await app.call('POST', 'todos', { token, body: { title } })
      statuses.add(status)
      if (status === 201) written.push(title)
      else await delay(5)
    }
  }
  const writers = Promise.all(Array.from({ length: 6 }, (_, writer) => write(writer)))
  t.after(async () => {
    isOn = false
    await writers
  })
  return {
    hasWritten: () => until('something is written', () => written.length > 0),
    stop: async () => {
      isOn = false
      await writers
      return { written, statuses }
    },
  }
}

const assertAllThere = async (app: RealApp, titles: readonly string[]): Promise<void> => {
  const rows = await query(databaseOf(app), 'select title from todos')
  const there = new Set(rows.map(({ title }) => title))
  assert.deepEqual(
    titles.filter(title => !there.has(title)),
    [],
  )
  assert.ok(titles.length > 0)
}

for (const how of ['fast', 'immediate'] as const)
  test(`a database that is stopped (${how}) and comes back needs no restart, and loses nothing that was answered`, async t => {
    const app = await start(t)
    const [token, other] = [await app.signUp('alice'), await app.signUp('bob')]
    assert.equal((await app.call('GET', 'protected', { token })).status, 200)
    const writing = keepWriting(t, app, token)
    await writing.hasWritten()
    const halting = server.halt(how)
    await until('the database is away', async () => (await app.call('GET', 'posts')).status === 503)

    // Within the bound: what needs no database is answered, what needs it is not.
    assert.equal((await app.call('GET', noDatabase, { token: other })).status, 200)
    assertUnavailable(await app.call('GET', 'posts'))
    assertUnavailable(await app.call('POST', 'logout', { token: other }))
    assertUnavailable(
      await app.call('POST', 'login', { body: { username: 'alice', password: 'x'.repeat(20) } }),
    )
    await halting
    // Past it: nobody is let in on an old view.
    await until('the bound has passed', () => app.engine.revocations.age() > bound)
    assertUnavailable(await app.call('GET', noDatabase, { token: other }))
    assertUnavailable(await app.call('GET', 'posts'))
    assert.equal((await app.call('GET', '/healthz')).status, 200)
    // Not yet: it may only be restarting.
    assert.equal((await app.call('GET', '/readyz')).status, 200)

    await server.restart()
    await until(
      'it serves again',
      async () => (await app.call('GET', 'protected', { token: other })).status === 200,
      5_000,
    )
    assert.equal((await app.call('GET', '/readyz')).status, 200)
    assert.equal((await app.call('GET', 'posts')).status, 200)
    // The logout that was not answered well was none, and can be tried again.
    assert.equal((await app.call('POST', 'logout', { token: other })).status, 200)
    assert.equal((await app.call('GET', 'protected', { token: other })).status, 401)

    const { written, statuses } = await writing.stop()
    assert.deepEqual([...statuses].sort(), [201, 503])
    await assertAllThere(app, written)
  })

test('connections that are terminated under load give 503 or the right answer, and nothing else', async t => {
  const app = await start(t)
  const writing = keepWriting(t, app, await app.signUp('alice'))
  await app.signUp('bob')
  const readers = keepReading(app)
  for (let round = 0; round < 8; round++) {
    await delay(60)
    await terminate(app)
  }
  await writing.hasWritten()
  const { written, statuses } = await writing.stop()
  for (const status of [...statuses, ...(await readers())])
    assert.ok([200, 201, 503].includes(status), `${status}`)
  await assertAllThere(app, written)
})

/** Signs in again and again, which is a transaction; gives the statuses. */
const keepReading = (app: RealApp): (() => Promise<readonly number[]>) => {
  const statuses: number[] = []
  let isOn = true
  // Somebody of whom nothing else is asked: a user has a hundred sessions at most.
  const body = { username: 'bob', password: 'correct horse battery staple' }
  const reading = (async () => {
    while (isOn) statuses.push((await app.call('POST', 'login', { body })).status)
  })()
  return async () => {
    isOn = false
    await reading
    return statuses
  }
}

test('idle connections that are terminated are replaced: the next requests know nothing of it', async t => {
  const app = await start(t)
  await app.signUp('alice')
  app.engine.revocations.stop()
  await Promise.all(Array.from({ length: 5 }, () => app.call('GET', 'posts')))
  await terminate(app)
  const answers = await Promise.all(Array.from({ length: 5 }, () => app.call('GET', 'posts')))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
})

test('a connection that breaks in a transaction that asks nothing at that moment ends no process', async t => {
  const app = await start(t)
  const working = inTransaction(app.engine.db, async ({ db }) => {
    await sql`select 1`.execute(db)
    await terminate(app)
    await delay(100)
    await sql`select 1`.execute(db)
  })
  await assert.rejects(working, isDatabaseFailure)
  assert.equal((await app.call('GET', 'posts')).status, 200)
})

test('a role that has no connection left is refused with 503, and lets go of nobody', async t => {
  const role = newName()
  const url = await newDatabase()
  await (await startRealApp(url)).close()
  await query(url, `create role ${role} superuser login password 'x'`)
  const app = await start(t, readdress(url, { user: role, password: 'x' }))
  app.engine.revocations.stop()
  await delay(50)
  await query(
    url,
    `alter role ${role} nosuperuser connection limit 0; grant all on all tables in schema public to ${role}`,
  )
  await terminate({
    ...app,
    engine: { ...app.engine, settings: { ...app.engine.settings, databaseUrl: url } },
  })
  assertUnavailable(await app.call('GET', 'posts'))
  await query(url, `alter role ${role} connection limit -1`)
  assert.equal((await app.call('GET', 'posts')).status, 200)
})

test('a lock that another session holds is waited for shortly: then 503, never 500', async t => {
  const app = await start(t)
  const token = await app.signUp('alice')
  const other = new pg.Client(databaseOf(app))
  await other.connect()
  await other.query('begin; lock table todos, sessions in access exclusive mode')
  const answers = await Promise.all([
    app.call('POST', 'todos', { token, body: { title: 'waits' } }),
    app.call('GET', 'todos', { token }),
    app.call('POST', 'logout', { token }),
  ])
  answers.forEach(assertUnavailable)
  await other.end()
  assert.equal((await app.call('POST', 'todos', { token, body: { title: 'goes on' } })).status, 201)
})

describe('a statement', () => {
  const open = (t: Owner, url: string, longestQuery: number) => {
    const db = openDatabase(url, { pool: 1, longestQuery })
    t.after(() => db.destroy())
    return db
  }
  const one = async (db: ReturnType<typeof open>): Promise<unknown> =>
    (await sql<{ one: number }>`select 1 as one`.execute(db)).rows[0]?.one

  test('that takes too long is cancelled, alone and in a transaction, and is a failure of the database', async t => {
    const db = open(t, server.url, 1_000)
    await assert.rejects(sql`select pg_sleep(5)`.execute(db), isDatabaseFailure)
    const inside = inTransaction(db, work => sql`select pg_sleep(5)`.execute(work.db))
    await assert.rejects(inside, isDatabaseFailure)
    assert.equal(await one(db), 1)
  })

  const throughProxy = async (t: Owner) => {
    const proxy = await startProxy({ port: Number(new URL(server.url).port) })
    const url = new URL(await newDatabase())
    await query(url.href, 'create table notes (text text)')
    const direct = url.href
    url.port = String(proxy.port)
    const db = open(t, url.href, 1_000)
    t.after(proxy.close)
    return { proxy, db, direct }
  }
  const insert = sql`insert into notes values ('x')`

  test('whose answer never comes is given up with its connection: nobody reads it later as theirs', async t => {
    const { proxy, db } = await throughProxy(t)
    assert.equal(await one(db), 1)
    proxy.silence()
    await assert.rejects(sql`select 2 as one`.execute(db), isDatabaseFailure)
    assert.equal(await one(db), 1)
    assert.equal(await one(db), 1)
  })

  for (const when of ['before', 'after'] as const)
    test(`commit, on a connection that breaks ${when} the server has it, is a failure and not an answer`, async t => {
      const { proxy, db, direct } = await throughProxy(t)
      await one(db)
      proxy.cutAt('commit\0', when)
      await assert.rejects(
        inTransaction(db, work => insert.execute(work.db)),
        isDatabaseFailure,
      )
      const rows = await query(direct, 'select * from notes')
      assert.equal(rows.length, when === 'before' ? 0 : 1)
      assert.equal(await one(db), 1)
    })

  test('of another transaction finds no transaction left open by one whose beginning failed', async t => {
    const { proxy, db } = await throughProxy(t)
    await one(db)
    proxy.cutAt('begin isolation', 'after')
    await assert.rejects(
      inTransaction(db, work => insert.execute(work.db)),
      isDatabaseFailure,
    )
    assert.equal(await one(db), 1)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from 'gatewright/clock'
import type { Refusal } from 'gatewright/refusal'
import pg from 'pg'
import { adoptDatabase } from '../../packages/gatewright/src/administration/adopt-database.ts'
import { feedStart, readFeed } from '../../packages/gatewright/src/revocation/feed.ts'
import { createRevocations, type Revocations } from '../../packages/gatewright/src/revocation/revocations.ts'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { engineMigrations, migrate } from '../../packages/gatewright/src/storage/migrate.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { createFakeClock } from '../harness.ts'
import { until } from '../process/until.ts'
import { addDatabase, newName, query, readdress } from './query.ts'
import { startRealApp } from './real-app.ts'
import { type PostgresServer, startPostgres } from './server.ts'

const maxAge = 2_000

let server: PostgresServer
before(async () => {
  // Transactions that were undone, and wrote nothing of their own, are gone after a crash.
  const flags = ['fsync=off', 'full_page_writes=off', 'autovacuum=off', 'wal_writer_delay=10s']
  server = await startPostgres({ flags: flags.flatMap(flag => ['-c', flag]) })
})
after(() => server.stop())

const newDatabase = (): Promise<string> => addDatabase(server.url)

type Owner = { readonly after: (end: () => Promise<void>) => void }

const open = (t: Owner, url: string, pool: number): Database => {
  const db = openDatabase(url, { pool })
  t.after(() => db.destroy())
  return db
}

/** A process that follows the feed of a new database; it reads when the test says so. */
const follow = async (t: Owner) => {
  const url = await newDatabase()
  const [db, watch] = [open(t, url, 1), open(t, url, 2)]
  await migrate(db, engineMigrations)
  const clock = createFakeClock()
  const roleReads: string[] = []
  const writtenBack: string[] = []
  const view = createRevocations({
    db,
    watch,
    clock: { ...clock, sleep: systemClock.sleep },
    maxAge,
    readRoles: async userId => {
      roleReads.push(userId)
      return []
    },
    writeBack: async lacking => {
      writtenBack.push(...lacking.map(({ kind, subject }) => `${kind} ${subject}`))
      for (const { kind, subject } of lacking) await write(url, kind, subject)
    },
  })
  await view.start()
  view.stop()
  return {
    url,
    db,
    view,
    roleReads,
    writtenBack,
    read: async (): Promise<void> => {
      clock.advance(maxAge + 1)
      // Connections of before break first.
      await until('it has read', async () => (await isFresh(view)) === true)
    },
    isEnded: (sessionId: string) => view.isEnded({ sessionId, userId: 'ann', userVersion: 1 }),
  }
}

/** Whether a request goes on. */
const isFresh = async (view: Revocations): Promise<boolean> => {
  try {
    await view.ensureFresh()
    return true
  } catch (error) {
    assert.match(String((error as Refusal).details.reason), /^(revocations_stale|feed_changed)$/)
    return false
  }
}

const write = (url: string, kind: string, subject: string): Promise<unknown> =>
  query(url, 'insert into cut_offs (kind, subject, matters_until, created_at) values ($1, $2, $3, 1)', [
    kind,
    subject,
    Number.MAX_SAFE_INTEGER,
  ])

/** So many transactions that write nothing and are undone. */
const spend = async (url: string, count: number): Promise<void> => {
  const client = new pg.Client(url)
  await client.connect()
  for (let spent = 0; spent < count; spent++)
    await client.query('begin; select pg_current_xact_id(); rollback')
  await client.end()
}

/** The first transaction that is still to come. */
const nextTransaction = async (url: string): Promise<number> =>
  Number((await query(url, 'select pg_snapshot_xmax(pg_current_snapshot())::text as next'))[0]?.next)

/** One process of the server is killed, so all of its memory is lost; it goes on by itself. */
const crash = async (): Promise<void> => {
  const client = new pg.Client(server.url)
  const gone = new Promise<unknown>(resolve => client.on('error', resolve))
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  process.kill(rows[0]?.pid ?? assert.fail(), 'SIGKILL')
  await gone
  const answers = (): Promise<boolean> =>
    query(server.url, 'select 1').then(
      () => true,
      () => false,
    )
  await until('it has recovered', answers)
}

/** What is done before, and how the server then loses what it had counted. */
const losses = {
  'crashed and recovered': { prepare: async () => {}, lose: crash },
  'was replaced by a copy that was behind': { prepare: () => server.keep(), lose: () => server.goBack() },
} as const

describe('a reader of the feed of a server that', () => {
  for (const [name, { prepare, lose }] of Object.entries(losses))
    for (const since of [0, 300])
      test(`${name}, ${since} transactions ago, sees what is ended under a number that was given before`, async t => {
        const { url, view, read, isEnded } = await follow(t)
        await prepare()
        let counted = 0
        // What the server happened to write down just before is not lost: then once more.
        do {
          await spend(url, 100)
          await read()
          counted = await nextTransaction(url)
          await lose()
        } while ((await nextTransaction(url)) >= counted)
        await write(url, 'session', 'ended')
        await spend(url, since)
        assert.equal((await nextTransaction(url)) > counted, since > 0)
        await read()
        assert.equal(view.harm().writtenBack, 0)
        assert.ok(isEnded('ended'))
        assert.ok(!isEnded('another'))
      })

  test('went back lets nobody in until everything was read again', async t => {
    const { db, view } = await follow(t)
    await view.start()
    t.after(async () => view.stop())
    assert.equal(await isFresh(view), true)
    let release = (): void => {}
    const held = db.connection().execute(
      () =>
        new Promise<void>(resolve => {
          release = resolve
        }),
    )
    await crash()
    await until('it refuses', async () => !(await isFresh(view)))
    release()
    await held
    await until('it goes on', () => isFresh(view))
  })

  test('went back knows what it knew, and asks for the roles again that the database may have lost', async t => {
    const { url, view, read, isEnded, roleReads, writtenBack } = await follow(t)
    await server.keep()
    await write(url, 'session', 'lost')
    for (let count = 0; count < 3; count++) await write(url, 'reread-user', 'ann')
    await read()
    for (let count = 0; count < 2; count++) await view.findRereadRoles('ann')
    assert.deepEqual(roleReads, ['ann'])
    await server.goBack()
    await read()
    assert.ok(isEnded('lost'))
    assert.deepEqual(writtenBack.sort(), ['reread-user ann', 'session lost'])
    assert.equal(view.harm().writtenBack, 2)
    assert.deepEqual(await query(url, "select subject from cut_offs where kind = 'session'"), [
      { subject: 'lost' },
    ])
    await view.findRereadRoles('ann')
    assert.deepEqual(roleReads, ['ann', 'ann'])
    await write(url, 'reread-user', 'ann')
    await read()
    await view.findRereadRoles('ann')
    assert.deepEqual(roleReads, ['ann', 'ann', 'ann'])
  })
})

test('a position that is above what the same server counts to has gone back', async t => {
  const { db } = await follow(t)
  const { next, change } = await readFeed(db, feedStart, 0)
  assert.equal(change, undefined)
  const readFrom = async (xmax: string) => (await readFeed(db, { ...next, snapshot: `1:${xmax}:` }, 0)).change
  assert.equal(await readFrom('9'), undefined)
  for (const xmax of ['900000', '18446744073709551000']) assert.equal(await readFrom(xmax), 'went-back', xmax)
})

test('a server that has become a stand-by is read no more: callers are refused past the bound', async t => {
  const app = await startRealApp(await newDatabase(), { revocationMaxAge: maxAge })
  t.after(app.close)
  const token = await app.signUp('alice')
  const statusOf = async () => (await app.call('GET', '/healthz', { token })).status
  assert.equal(await statusOf(), 200)
  await server.halt()
  server.write('standby.signal', '')
  await server.restart()
  await until('it only reads', async () => (await app.call('GET', 'posts')).status === 200)
  await until('the bound has passed', () => app.engine.revocations.age() > maxAge)
  assert.equal(await statusOf(), 503)

  // It takes over: another timeline, on which the last commits of the one before may be missing.
  await query(server.url, 'select pg_promote()')
  await until('it serves again', async () => (await statusOf()) === 200)
  assert.deepEqual(app.engine.revocations.harm().changes['failed-over'], 1)
  const alarm = app.logLines
    .map(line => JSON.parse(line))
    .find(({ event, level }) => event === 'feed.changed' && level === 50)
  assert.match(alarm?.msg, /^another server of PostgreSQL has taken over/)
  const later = await startRealApp(app.engine.settings.databaseUrl)
  t.after(later.close)
  assert.match(
    later.engine.warnings.join(),
    /another server of PostgreSQL has taken over since the last start/,
  )
})

test('a copy on another database stops the start, and one that adopted it ends every session and goes on', async t => {
  const url = await newDatabase()
  const app = await startRealApp(url)
  const token = await app.signUp('alice')
  await app.close()
  const name = newName()
  await query(server.url, `create database ${name} template ${new URL(url).pathname.slice(1)}`)
  const copy = readdress(server.url, { database: name })
  const refused = {
    name: 'OtherDatabase',
    message: /a copy under another name, .*gatewright restore --adopt/,
  }
  await assert.rejects(startRealApp(copy), refused)
  await assert.rejects(startRealApp(copy, {}, { kind: 'command' }), refused)

  const adopting = await startRealApp(copy, {}, { kind: 'command', adopts: true })
  const origin = { actor: 'command-line', address: null, requestId: null }
  assert.deepEqual(await adoptDatabase(adopting.engine, { origin, file: undefined }), {
    sessions: 1,
    apiKeys: 0,
    keys: 2,
  })
  await adopting.close()
  const adopted = await startRealApp(copy)
  t.after(adopted.close)
  const { status, body } = await adopted.call('GET', 'protected', { token })
  assert.deepEqual([status, body.code], [401, 'invalid_token'])
  assert.equal((await adopted.call('GET', 'protected', { token: await adopted.signUp('bob') })).status, 200)
})

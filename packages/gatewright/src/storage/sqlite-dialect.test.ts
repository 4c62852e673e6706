import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { openDatabase } from './database.ts'

type Counts = Kysely<{ counts: { id: number; value: number } }>

const open = (file: string, durability: 'full' | 'off' = 'off'): Counts =>
  openDatabase(`sqlite:${file}`, { durability }) as unknown as Counts

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const readCount = async (db: Counts): Promise<number> => {
  const { value } = await db.selectFrom('counts').select('value').executeTakeFirstOrThrow()
  return value
}

/** Reads, lets others run, and writes what it read plus one. */
const countUp = (db: Counts): Promise<void> =>
  db.transaction().execute(async transaction => {
    const value = await readCount(transaction)
    await settle()
    await transaction
      .updateTable('counts')
      .set({ value: value + 1 })
      .execute()
  })

const rounds = 100

/** The part of a process of its own: it waits for the word, and then counts. */
const countInChild = async (file: string): Promise<void> => {
  const db = open(file)
  process.send?.('ready')
  await once(process, 'message')
  for (let round = 0; round < rounds; round++) await countUp(db)
  await db.destroy()
  process.disconnect?.()
}

const startChild = async (file: string): Promise<ChildProcess> => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = fork(fileURLToPath(import.meta.url), ['count', file], { env })
  await once(child, 'message')
  return child
}

const defineTests = (): void => {
  const folder = join(mkdtempSync(join(tmpdir(), 'gatewright-')), 'data')
  after(() => rmSync(dirname(folder), { recursive: true }))

  const openCounts = async (name: string): Promise<{ readonly db: Counts; readonly file: string }> => {
    const file = join(folder, name)
    const db = open(file)
    await sql`create table counts (id integer primary key, value any) strict`.execute(db)
    await db.insertInto('counts').values({ id: 1, value: 0 }).execute()
    return { db, file }
  }

  describe('what SQLite would store as something else is refused, and nothing is written', () => {
    let db: Counts
    before(async () => {
      db = (await openCounts('refused')).db
    })
    after(() => db.destroy())
    const rows: Record<string, unknown> = {
      'an object, which would become the names of parameters': { value: 1 },
      'an object without a prototype': Object.create(null),
      'a Date': new Date(0),
      'an array': [1],
      undefined: undefined,
      true: true,
      false: false,
      'a BigInt': 1n,
      'a Buffer in an object': { bytes: Buffer.from('a') },
    }
    for (const [name, value] of Object.entries(rows))
      test(name, async () => {
        const update = sql`update counts set value = ${value} where id = ${1}`.execute(db)
        await assert.rejects(update, { name: 'TypeError', message: /a query parameter must be text/ })
        assert.equal(await readCount(db), 0)
      })

    test('also when it stands in first place, beside good ones', async () => {
      const insert = sql`insert into counts (id, value) values (${{ a: 1 }}, ${2})`.execute(db)
      await assert.rejects(insert, TypeError)
    })
  })

  describe('what SQLite stores as it is comes back as it was', () => {
    let db: Counts
    before(async () => {
      db = (await openCounts('kept')).db
    })
    after(() => db.destroy())
    const rows: Record<string, string | number | Uint8Array | null> = {
      text: "Robert'); drop table counts; -- ü 🐈",
      'an empty text': '',
      'a time in milliseconds': 1_795_262_400_000,
      'a fraction': 0.5,
      bytes: new Uint8Array([0, 255, 128]),
      null: null,
    }
    for (const [name, value] of Object.entries(rows))
      test(name, async () => {
        await sql`update counts set value = ${value}`.execute(db)
        assert.deepEqual(await readCount(db), value)
      })
  })

  test('a query that asks for a stream is refused rather than held in memory', async () => {
    const { db } = await openCounts('streamed')
    await assert.rejects(async () => {
      for await (const _ of db.selectFrom('counts').selectAll().stream()) assert.fail('a row came')
    }, TypeError)
    await db.destroy()
  })

  test('where a statement does not name its columns, each value keeps its name while the table changes', async () => {
    const { db } = await openCounts('changes.db')
    const readAll = async () => (await sql`select * from counts`.execute(db)).rows
    assert.deepEqual(Object.entries((await readAll())[0] ?? {}), [
      ['id', 1],
      ['value', 0],
    ])
    await sql`alter table counts drop column value`.execute(db)
    await sql`alter table counts add column other text default 'new'`.execute(db)
    assert.deepEqual(Object.entries((await readAll())[0] ?? {}), [
      ['id', 1],
      ['other', 'new'],
    ])
  })

  test('a thousand transactions at once, each of which reads and then writes, lose nothing', async () => {
    const { db } = await openCounts('parallel')
    await Promise.all(Array.from({ length: 1_000 }, () => countUp(db)))
    assert.equal(await readCount(db), 1_000)
    await db.destroy()
  })

  test('three processes that read and then write at once lose nothing, and none finds the database locked', async () => {
    const { db, file } = await openCounts('processes')
    const children = await Promise.all([startChild(file), startChild(file), startChild(file)])
    const ends = children.map(child => once(child, 'exit'))
    for (const child of children) child.send('go')
    for (const [code] of await Promise.all(ends)) assert.equal(code, 0)
    assert.equal(await readCount(db), children.length * rounds)
    await db.destroy()
  })

  test('a lock that another process holds stops those who write, not the process', async () => {
    const { db, file } = await openCounts('waiting')
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    let written = false
    const writing = countUp(db).then(() => {
      written = true
    })
    for (let turn = 0; turn < 100; turn += 1) await settle()
    assert.equal(written, false)
    other.exec('rollback')
    await writing
    assert.equal(await readCount(db), 1)
    other.close()
    await db.destroy()
  })

  test('those who wait behind one lock lose patience together, and have it again after a write', {
    // One after the other they would take 50 s.
    timeout: 30_000,
  }, async () => {
    const { db, file } = await openCounts('patience')
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    const waiting = Array.from({ length: 10 }, () => countUp(db))
    const outcomes = await Promise.allSettled([readCount(db), ...waiting])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', ...waiting.map(() => 'rejected')],
    )
    other.exec('rollback')
    await countUp(db)
    assert.equal(await readCount(db), 1)
    other.close()
    await db.destroy()
  })

  test('nobody sees half of a transaction, and a transaction thrown out leaves nothing', async () => {
    const { db } = await openCounts('halves')
    const failing = db.transaction().execute(async transaction => {
      await transaction.updateTable('counts').set({ value: 7 }).execute()
      await settle()
      throw new Error('thrown out')
    })
    const seen = readCount(db)
    await assert.rejects(failing, /thrown out/)
    assert.equal(await seen, 0)
    assert.equal(await readCount(db), 0)
    await db.destroy()
  })

  test('a statement that fails breaks neither its connection nor those that wait for it', async () => {
    const { db } = await openCounts('failing')
    const outcomes = await Promise.allSettled([
      countUp(db),
      sql`select nothing from nowhere`.execute(db),
      db.transaction().execute(transaction => sql`insert into counts (id) values (1)`.execute(transaction)),
      countUp(db),
    ])
    const statuses = outcomes.map(({ status }) => status)
    assert.deepEqual(statuses, ['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    assert.equal(await readCount(db), 2)
    await db.destroy()
  })

  describe('a database opened for production', () => {
    const db = open(join(folder, 'durable'), 'full')
    after(() => db.destroy())
    const pragmas: Record<string, { readonly expected: string | number; readonly why: string }> = {
      journal_mode: { expected: 'wal', why: 'readers do not wait for a writer' },
      synchronous: { expected: 1, why: 'what is answered waits for the disk by itself (write-log.ts)' },
      foreign_keys: { expected: 1, why: 'no session without its user' },
      trusted_schema: { expected: 0, why: 'a planted schema calls no function' },
      secure_delete: { expected: 1, why: 'what is erased does not stay in the file' },
      busy_timeout: { expected: 0, why: 'SQLite would wait with the whole process' },
    }
    for (const [name, { expected, why }] of Object.entries(pragmas))
      test(`has ${name} = ${expected}: ${why}`, async () => {
        // As a statement of its own it goes to the connection that writes.
        const { rows } = await sql<Record<string, unknown>>`pragma ${sql.ref(name)}`.execute(db)
        assert.deepEqual(Object.values(rows[0] ?? {}), [expected])
      })
  })

  test('the files of a database, and its folder, are for their owner only', {
    skip: process.platform === 'win32' && 'Windows has no modes',
  }, async () => {
    const { db, file } = await openCounts('private')
    for (const path of [file, `${file}-wal`, `${file}-shm`])
      assert.equal(statSync(path).mode & 0o077, 0, path)
    assert.equal(statSync(folder).mode & 0o077, 0)
    await db.destroy()
  })
}

const [, , role, file = ''] = process.argv
if (role === 'count') await countInChild(file)
else defineTests()

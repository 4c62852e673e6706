import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from './database.ts'
import { prepare } from './prepared.ts'
import { findShortWay } from './short-way.ts'
import type { Database } from './tables.ts'
import { inTransaction } from './transaction.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-short-way-'))
after(() => rmSync(folder, { recursive: true }))

const insertLease = prepare<{ name: string }>((db, value) =>
  db.insertInto('leases').values({ name: value('name'), holder: null, beat: 1 }),
)
const listLeases = prepare<Record<never, never>, { name: string }>(db =>
  db.selectFrom('leases').select('name').orderBy('name'),
)
const namesIn = async (db: Database): Promise<readonly string[]> =>
  (await listLeases(db, {})).rows.map(({ name }) => name)

let files = 0
const open = (): Database => openDatabase(`sqlite:${join(folder, `${++files}.db`)}`, { durability: 'off' })

describe('past Kysely', () => {
  let db: Database
  beforeEach(async () => {
    db = open()
    await sql`create table leases (name text primary key, holder text, beat integer not null)`.execute(db)
  })

  test('a transaction is seen whole by its own queries, built or prepared, and by others when it is over', async () => {
    await inTransaction(db, async work => {
      await insertLease(work.db, { name: 'prepared' })
      await work.db.insertInto('leases').values({ name: 'built', beat: 1 }).execute()
      assert.deepEqual(await namesIn(work.db), ['built', 'prepared'])
      assert.deepEqual(await namesIn(db), [])
    })
    assert.deepEqual(await namesIn(db), ['built', 'prepared'])
  })

  test('a transaction that throws leaves nothing, whichever way its queries went', async () => {
    const thrown = new Error('a mistake')
    const failing = inTransaction(db, async work => {
      await insertLease(work.db, { name: 'prepared' })
      await work.db.insertInto('leases').values({ name: 'built', beat: 1 }).execute()
      throw thrown
    })
    await assert.rejects(failing, error => error === thrown)
    assert.deepEqual(await namesIn(db), [])
  })

  for (const [kind, insert] of [
    ['prepared', (late: Database) => insertLease(late, { name: 'late' })],
    ['built', (late: Database) => late.insertInto('leases').values({ name: 'late', beat: 1 }).execute()],
  ] as const)
    test(`a ${kind} query that comes after its transaction is refused, and becomes no part of the next one`, async () => {
      const late = await inTransaction(db, async work => work.db)
      await inTransaction(db, async () => {
        await assert.rejects(insert(late), /this transaction is over/)
      })
      assert.deepEqual(await namesIn(db), [])
    })

  test('a database with something round it goes the long way, so that nothing passes it by', async () => {
    let seen = 0
    const watched = db.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        seen += 1
        return result
      },
    })
    assert.equal(findShortWay(watched), undefined)
    await inTransaction(watched, work => insertLease(work.db, { name: 'watched' }))
    assert.deepEqual(await namesIn(watched), ['watched'])
    assert.equal(seen, 2)
  })
})

test('a database that only prepared queries have used is closed as any other', async () => {
  const db = open()
  await assert.rejects(namesIn(db), /no such table/)
  await db.destroy()
  await assert.rejects(namesIn(db), /not open/)
  await assert.rejects(
    inTransaction(db, async work => void (await namesIn(work.db))),
    /not open/,
  )
})

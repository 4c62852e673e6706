import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { type FeedPosition, feedStart, readFeed } from '../../packages/gatewright/src/revocation/feed.ts'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { engineMigrations, migrate } from '../../packages/gatewright/src/storage/migrate.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'
import { newName, openServer, query, readdress } from './query.ts'

let server: Awaited<ReturnType<typeof openServer>>
let url: string
let db: Database
const clients: pg.Client[] = []

before(async () => {
  server = await openServer()
  const database = newName()
  await query(server.url, `create database ${database}`)
  url = readdress(server.url, { database })
  db = openDatabase(url)
  await migrate(db, engineMigrations)
})
after(async () => {
  await Promise.all(clients.map(client => client.end()))
  await db.destroy()
  await server.stop()
})
beforeEach(() => query(url, 'delete from cut_offs'))

/** A writer with a transaction of its own. */
const begin = async (): Promise<pg.Client> => {
  const client = new pg.Client(url)
  clients.push(client)
  await client.connect()
  await client.query('begin')
  return client
}

const write = (client: Pick<pg.Client, 'query'>, subject: string): Promise<unknown> =>
  client.query(
    `insert into cut_offs (kind, subject, matters_until, created_at) values ('session', $1, 9, 1)`,
    [subject],
  )

const writeAlone = async (subject: string): Promise<void> => {
  const client = await begin()
  await write(client, subject)
  await client.query('commit')
}

/** Every cut-off of these tests matters until 9. */
const now = 9

/** Follows the feed; each read gives all that it was given. */
const follow = () => {
  let position: FeedPosition | undefined = feedStart
  return async (): Promise<readonly string[]> => {
    const { rows, next } = await readFeed(db, position, now)
    position = next
    return rows.map(row => row.subject)
  }
}

describe('a reader of the feed', () => {
  test('misses nothing of two transactions that commit in the reverse order of their places', async () => {
    const read = follow()
    const [first, second] = [await begin(), await begin()]
    await write(first, 'first')
    await write(second, 'second')
    await second.query('commit')
    assert.deepEqual(await read(), ['second'])
    await first.query('commit')
    assert.deepEqual(await read(), ['first'])
    assert.deepEqual(await read(), [])
  })

  test('waits for no place that was rolled back, and misses nothing behind it', async () => {
    const read = follow()
    const [kept, undone] = [await begin(), await begin()]
    await write(undone, 'undone')
    await write(kept, 'kept')
    await undone.query('rollback')
    await kept.query('commit')
    assert.deepEqual(await read(), ['kept'])
    await writeAlone('later')
    assert.deepEqual(await read(), ['later'])
  })

  test('sees what others commit while one transaction is open for long, and that one at its end', async () => {
    const read = follow()
    const long = await begin()
    await write(long, 'long')
    for (const subject of ['a', 'b', 'c']) {
      await writeAlone(subject)
      assert.deepEqual(await read(), [subject])
    }
    await long.query('commit')
    assert.deepEqual(await read(), ['long'])
  })

  test('is given nothing twice while transactions of this database and of another are open for long', async () => {
    const read = follow()
    const long = await begin()
    await write(long, 'long')
    const elsewhere = new pg.Client(server.url)
    clients.push(elsewhere)
    await elsewhere.connect()
    await elsewhere.query('begin; select pg_current_xact_id()')
    await writeAlone('a')
    assert.deepEqual(await read(), ['a'])
    for (let round = 0; round < 3; round++) assert.deepEqual(await read(), [])
    await writeAlone('b')
    assert.deepEqual(await read(), ['b'])
    await elsewhere.query('rollback')
    await long.query('commit')
    assert.deepEqual(await read(), ['long'])
    assert.deepEqual(await read(), [])
  })

  test('sees a cut-off of a transaction that began before the first read and wrote after it', async () => {
    const read = follow()
    const early = await begin()
    await early.query('select pg_current_xact_id()')
    await writeAlone('between')
    assert.deepEqual(await read(), ['between'])
    await writeAlone('and another')
    await read()
    await write(early, 'early')
    await early.query('commit')
    assert.deepEqual(await read(), ['early'])
  })

  test('that has not seen what a savepoint wrote sees it with its transaction', async () => {
    const read = follow()
    const outer = await begin()
    await outer.query('select pg_current_xact_id()')
    await outer.query('savepoint inner_one')
    await write(outer, 'inner')
    await outer.query('release savepoint inner_one')
    await writeAlone('other')
    assert.deepEqual(await read(), ['other'])
    await outer.query('commit')
    assert.deepEqual(await read(), ['inner'])
  })

  test('is given what is written after everything was pruned', async () => {
    const read = follow()
    await writeAlone('before')
    assert.deepEqual(await read(), ['before'])
    await query(url, 'delete from cut_offs')
    assert.deepEqual(await read(), [])
    await writeAlone('after')
    assert.deepEqual(await read(), ['after'])
  })

  test('reads everything from the start, whatever is open', async () => {
    for (const subject of ['a', 'b']) await writeAlone(subject)
    const open = await begin()
    await write(open, 'open')
    assert.deepEqual([...(await follow()())].sort(), ['a', 'b'])
    await open.query('rollback')
  })

  test('misses none of 400 that eight writers commit in any order, a fifth of them rolled back', async () => {
    const read = follow()
    const seen: string[] = []
    const kept: string[] = []
    let isWriting = true
    const reading = (async () => {
      while (isWriting) seen.push(...(await read()))
    })()
    const writer = async (name: number): Promise<void> => {
      const client = await begin()
      await client.query('rollback')
      for (let count = 0; count < 50; count++) {
        const subject = `${name}-${count}`
        await client.query('begin')
        await write(client, subject)
        // So that another may commit in between.
        if (count % 3 === name % 3) await client.query('select pg_sleep(0.003)')
        await client.query(count % 5 === 0 ? 'rollback' : 'commit')
        if (count % 5 !== 0) kept.push(subject)
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, name) => writer(name)))
    isWriting = false
    await reading
    seen.push(...(await read()))
    assert.deepEqual(seen.sort(), kept.sort())
  })
})

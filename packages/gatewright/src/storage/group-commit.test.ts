import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { createSeeded } from '../../../../test/sessions/seeded.ts'
import { openDatabase } from './database.ts'
import { createTurns } from './group-commit.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-group-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const schema = `
  create table entries (name text primary key, parent text references entries deferrable initially deferred);
  create trigger ends_all before insert on entries when new.name = 'ends all'
    begin select raise(rollback, 'the disk is full'); end`

/**
 * Turns on a real file, and a log of what they ask of it.
 * @param fails asked of each statement before it is run
 * @param persist waits for the disk
 */
const open = (fails: (text: string) => boolean = () => false, persist = async () => {}) => {
  const file = join(folder, `${++files}.db`)
  const database = new DatabaseSync(file)
  database.exec(`pragma journal_mode = wal; ${schema}`)
  const other = new DatabaseSync(file)
  const log: string[] = []
  const turns = createTurns({
    run: async text => {
      log.push(text)
      if (fails(text)) throw new Error('the disk does not answer')
      database.exec(text)
    },
    isInTransaction: () => database.isTransaction,
    persist,
  })
  const insert = database.prepare('insert into entries (name, parent) values (?, ?)')
  /** One transaction: inserts the names, and then waits for `between`. */
  const write = async (
    names: readonly string[],
    { parent = null as string | null, between = async () => {} } = {},
  ) => {
    const turn = await turns.begin()
    try {
      for (const name of names) insert.run(name, parent)
      await between()
    } catch (error) {
      await turns.noteFailure(error)
      await turn.rollback()
      throw error
    }
    try {
      await turn.commit()
    } catch (error) {
      // As Kysely does after a commit that failed.
      await turn.rollback()
      throw error
    }
  }
  const namesOf = (connection: DatabaseSync): string[] =>
    connection
      .prepare('select name from entries order by name')
      .all()
      .map(({ name }) => String(name))
  const commits = (): number => log.filter(text => text === 'commit').length
  const close = (): Promise<void> => turns.runAlone(async () => database.close())
  return { turns, write, log, commits, close, committed: () => namesOf(other), own: () => namesOf(database) }
}

const statusesOf = async (writes: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(writes)).map(({ status }) => status)

describe('transactions that wait together', () => {
  test('are made durable by one commit, in order of asking', async () => {
    const { write, commits, committed } = open()
    await Promise.all(['a', 'b', 'c'].map(name => write([name])))
    assert.equal(commits(), 1)
    assert.deepEqual(committed(), ['a', 'b', 'c'])
  })

  test('are told so only when others can see it', async () => {
    const { write, committed } = open()
    await Promise.all(
      ['a', 'b', 'c'].map(name => write([name]).then(() => assert.ok(committed().includes(name)))),
    )
  })

  test('are not seen by others before', async () => {
    const { write, committed, own } = open()
    const seen: string[][] = []
    await Promise.all([
      write(['a']),
      write(['b'], { between: async () => void seen.push(own(), committed()) }),
    ])
    assert.deepEqual(seen, [['a', 'b'], []])
  })

  test('are 64 at most', async () => {
    const { write, commits, committed } = open()
    const names = Array.from({ length: 200 }, (_, index) => String(index).padStart(3, '0'))
    await Promise.all(names.map(name => write([name])))
    assert.equal(commits(), 4)
    assert.deepEqual(committed(), names)
  })

  test('one that takes long ends the group: the others do not wait for the next', async () => {
    const { write, commits } = open()
    await Promise.all([write(['a']), write(['b'], { between: immediate }), write(['c'])])
    assert.equal(commits(), 2)
  })
})

test('a lone transaction is committed by itself', async () => {
  const { write, log } = open()
  await write(['a'])
  await write(['b'])
  assert.deepEqual(
    log.filter(text => !text.includes('member')),
    ['begin immediate', 'commit', 'begin immediate', 'commit'],
  )
})

describe('each has its own outcome', () => {
  test('one that fails takes nothing of the others with it', async () => {
    const { write, committed, commits } = open()
    const writes = [write(['a']), write(['b', 'a']), write(['c'])]
    assert.deepEqual(await statusesOf(writes), ['fulfilled', 'rejected', 'fulfilled'])
    assert.deepEqual(committed(), ['a', 'c'])
    assert.equal(commits(), 1)
  })

  test('of 2,000 at random, what is told is what is there', async t => {
    const random = createSeeded(t)
    const { write, committed } = open()
    const names = Array.from({ length: 2_000 }, (_, index) => String(index))
    const fails = names.map(() => random.oneIn(3))
    const outcomes: PromiseSettledResult<void>[] = []
    for (let at = 0; at < names.length; ) {
      const count = 1 + random.below(90)
      const writes = names.slice(at, at + count).map((name, index) =>
        write([name], {
          between: async () => {
            if (random.oneIn(50)) await immediate()
            if (fails[at + index]) throw new Error('no')
          },
        }),
      )
      outcomes.push(...(await Promise.allSettled(writes)))
      at += count
    }
    const told = names.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    assert.deepEqual(committed(), told.sort())
    assert.deepEqual(told.length, fails.filter(failed => !failed).length)
  })
})

describe('nothing is told that the disk has not', () => {
  test('where the commit fails, all that waited for it have failed, and the next group goes on', async () => {
    const { write, committed } = open()
    const writes = [write(['a']), write(['b'], { parent: 'nobody' }), write(['c'])]
    assert.deepEqual(await statusesOf(writes), ['rejected', 'rejected', 'rejected'])
    assert.deepEqual(committed(), [])
    await write(['d'])
    assert.deepEqual(committed(), ['d'])
  })

  test('where a failure ends the transaction, those before it have failed, and those behind it go on', async () => {
    const { write, committed } = open()
    const writes = [write(['a']), write(['ends all']), write(['c'])]
    assert.deepEqual(await statusesOf(writes), ['rejected', 'rejected', 'fulfilled'])
    assert.deepEqual(committed(), ['c'])
  })
})

describe('nobody waits for ever', () => {
  test('behind the closing of the database: all fail', { timeout: 10_000 }, async () => {
    const { write, close } = open()
    const [before, closing, ...behind] = [write(['a']), close(), write(['b']), write(['c']), write(['d'])]
    assert.deepEqual(await statusesOf([before, closing]), ['fulfilled', 'fulfilled'])
    assert.deepEqual(await statusesOf(behind), ['rejected', 'rejected', 'rejected'])
    await assert.rejects(write(['e']), /not open/)
  })

  test('behind a group that could neither be committed nor rolled back: the next one begins anew', {
    timeout: 10_000,
  }, async () => {
    const broken = new Set(['commit', 'rollback'])
    const { write, committed, turns } = open(text => broken.delete(text))
    assert.deepEqual(await statusesOf([write(['a'])]), ['rejected'])
    await write(['b'])
    assert.deepEqual(committed(), ['b'])
    for (const text of ['commit', 'rollback']) broken.add(text)
    assert.deepEqual(await statusesOf([write(['c'])]), ['rejected'])
    await turns.runAlone(async () => assert.deepEqual(committed(), ['b']))
    await write(['d'])
    assert.deepEqual(committed(), ['b', 'd'])
  })

  test('behind a group that ends in between, while its rollback fails', { timeout: 10_000 }, async () => {
    const broken = new Set(['commit', 'rollback'])
    const { write, committed } = open(text => broken.delete(text))
    const first = write(['a'], { between: immediate })
    const behind = [write(['b']), write(['c'])]
    assert.deepEqual(await statusesOf([first, ...behind]), ['rejected', 'fulfilled', 'fulfilled'])
    assert.deepEqual(committed(), ['b', 'c'])
  })
})

test('what runs alone finds no transaction open, and what came before is durable', async () => {
  const { turns, write, committed, log } = open()
  const writing = write(['a'])
  await turns.runAlone(async () => {
    assert.deepEqual(committed(), ['a'])
    assert.equal(log.at(-1), 'commit')
  })
  await writing
})

describe('through the dialect', () => {
  type Entries = Kysely<{ entries: { name: string; parent: string | null } }>
  const file = join(folder, 'dialect.db')
  new DatabaseSync(file).exec(schema)
  const db = openDatabase(`sqlite:${file}`) as unknown as Entries
  after(() => db.destroy())
  const names = async (from: Entries = db) =>
    (await from.selectFrom('entries').select('name').orderBy('name').execute()).map(({ name }) => name)
  const add = (name: string, into: Entries = db) =>
    into.insertInto('entries').values({ name, parent: null }).execute()

  test('a transaction sees what it wrote; who is in none sees it when it is committed', async () => {
    await db.transaction().execute(async transaction => {
      await add('a', transaction)
      assert.deepEqual([await names(transaction), await names()], [['a'], []])
    })
    assert.deepEqual(await names(), ['a'])
  })

  test('a single statement is told when others can see it', async () => {
    await Promise.all(
      ['b', 'c'].map(name => add(name).then(async () => assert.ok((await names()).includes(name)))),
    )
  })

  test('a single statement that fails leaves those beside it', async () => {
    assert.deepEqual(await statusesOf([add('d'), add('a'), add('e')]), ['fulfilled', 'rejected', 'fulfilled'])
    assert.deepEqual(await names(), ['a', 'b', 'c', 'd', 'e'])
  })

  test('a transaction that the database has ended does not go on without it', async () => {
    const going = db.transaction().execute(async transaction => {
      await add('f', transaction)
      await add('ends all', transaction).catch(() => {})
      await add('g', transaction)
    })
    await assert.rejects(going, /has ended this transaction/)
    assert.deepEqual(await names(), ['a', 'b', 'c', 'd', 'e'])
  })

  test('of queries that nobody has waited for, those that come too late are refused, and become no part of the next transaction', async () => {
    let forgotten: readonly Promise<unknown>[] = []
    const forgetful = db.transaction().execute(async transaction => {
      // They wait for each other, and the end does not wait for them.
      forgotten = Array.from({ length: 20 }, (_, number) => add(`forgotten ${number}`, transaction))
    })
    const next = db.transaction().execute(async transaction => {
      await add('j', transaction)
      await Promise.allSettled(forgotten)
      throw new Error('rolled back')
    })
    await assert.rejects(next, /rolled back/)
    await forgetful
    const settled = await Promise.allSettled(forgotten)
    const reasons = settled.flatMap(query => (query.status === 'rejected' ? [String(query.reason)] : []))
    assert.match(reasons.join(), /a query of it was not awaited/)
    const stored = (await names()).filter(name => name.startsWith('forgotten'))
    assert.equal(stored.length, settled.length - reasons.length, 'what was told as done is there')
    assert.equal((await names()).includes('j'), false)
  })

  test('what only looks like reading is not written past the queue', async () => {
    const disguised = sql`with x as (select 1) insert into entries (name) select 'h' from x`.execute(db)
    await assert.rejects(disguised, /readonly|read.only/i)
    assert.equal((await names()).includes('h'), false)
  })
})

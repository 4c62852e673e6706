import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { createSeeded } from '../../../../test/sessions/seeded.ts'
import { isDatabaseFailure } from './database-failure.ts'
import { openSqlite } from './sqlite-connection.ts'
import { openKysely } from './sqlite-dialect.ts'
import { createWriteLog, type LogFile, NotOnDisk, openLogFile } from './write-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-log-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

type Entries = Kysely<{ entries: { name: string }; limit_counters: { key: string; tat: number } }>

const schema = 'create table entries (name text); create table limit_counters (key text, tat integer)'

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const namesIn = (database: DatabaseSync): readonly string[] =>
  database
    .prepare('select name from entries order by name')
    .all()
    .map(({ name }) => String(name))

/**
 * A database, and the disk below it: what was written before the last sync that ended well.
 * @param takes what the disk does before it has all, or throws
 */
const openOnDisk = (takes: () => Promise<void> = immediate) => {
  const file = join(folder, `${++files}.db`)
  const disk = `${file}.disk`
  const copy = (from: string, to: string): void => {
    for (const part of ['', '-wal']) copyFileSync(`${from}${part}`, `${to}${part}`)
  }
  let syncs = 0
  const openLog = (path: string): LogFile => {
    const log = openLogFile(path)
    return {
      ...log,
      sync: async () => {
        syncs += 1
        const number = syncs
        copy(file, `${disk}${number}`)
        await log.sync()
        await takes()
        copy(`${disk}${number}`, disk)
      },
    }
  }
  const database = openSqlite(file, 'full')
  database.exec(schema)
  copy(file, disk)
  const db = openKysely(database, { openLog }) as unknown as Entries
  after(() => db.destroy())
  /** What is found after a loss of power at this moment. */
  const afterPowerCut = (): readonly string[] => {
    const found = `${file}.found`
    copy(disk, found)
    const opened = new DatabaseSync(found)
    const names = namesIn(opened)
    opened.close()
    return names
  }
  const add = async (name: string): Promise<string> => {
    await db.insertInto('entries').values({ name }).execute()
    return name
  }
  return { db, file, add, afterPowerCut, syncs: () => syncs }
}

/** A disk that takes nothing before it is told to, and then fails where it is told so. */
const createHeldDisk = () => {
  let held = Promise.withResolvers<void>()
  const asked: (() => void)[] = []
  return {
    takes: (): Promise<void> => {
      asked.shift()?.()
      return held.promise
    },
    isAsked: (): Promise<void> => new Promise(resolve => asked.push(resolve)),
    take: (): void => {
      held.resolve()
    },
    fail: (): void => {
      const failing = held
      held = Promise.withResolvers<void>()
      held.resolve()
      failing.reject(new Error('EIO: i/o error, fdatasync'))
    },
  }
}

const settled = async (...jobs: readonly Promise<unknown>[]): Promise<readonly boolean[]> => {
  const over = jobs.map(() => false)
  for (const [at, job] of jobs.entries())
    job.then(
      () => (over[at] = true),
      () => (over[at] = true),
    )
  for (let turn = 0; turn < 50; turn += 1) await immediate()
  return over
}

describe('what was told as written', () => {
  test('is found after a loss of power at any moment: 60 of them, among 1,200 writes in any company', async t => {
    const random = createSeeded(t)
    const { add, afterPowerCut } = openOnDisk(async () => {
      for (let turn = random.below(4); turn > 0; turn -= 1) await immediate()
    })
    const told: string[] = []
    for (let cut = 0; cut < 60; cut += 1) {
      const writes = Array.from({ length: 20 }, (_, index) =>
        add(`${cut}-${index}`).then(name => told.push(name)),
      )
      for (let turn = random.below(12); turn > 0; turn -= 1) await immediate()
      const promised = [...told]
      const found = new Set(afterPowerCut())
      assert.deepEqual(
        promised.filter(name => !found.has(name)),
        [],
      )
      await Promise.all(writes)
    }
    assert.equal(afterPowerCut().length, 1_200)
  })

  test('waits for the disk: a statement, a transaction, and one written by hand', async () => {
    const disk = createHeldDisk()
    const { db, add, afterPowerCut } = openOnDisk(disk.takes)
    const writes = [
      add('statement'),
      db.transaction().execute(work => work.insertInto('entries').values({ name: 'work' }).execute()),
      sql`insert into entries values ('by hand')`.execute(db),
    ]
    assert.deepEqual(await settled(...writes), [false, false, false])
    assert.deepEqual(afterPowerCut(), [])
    disk.take()
    await Promise.all(writes)
    assert.deepEqual(afterPowerCut(), ['by hand', 'statement', 'work'])
  })

  test('does not, where it is a count of what was tried', async () => {
    const disk = createHeldDisk()
    const { db, add } = openOnDisk(disk.takes)
    const writing = add('waits')
    const counting = db.insertInto('limit_counters').values({ key: 'a', tat: 1 }).execute()
    assert.deepEqual(await settled(writing, counting), [false, true])
    disk.take()
    await writing
  })
})

test('while the disk is waited for the process goes on, and all who write meanwhile share the next wait', async () => {
  const disk = createHeldDisk()
  const { add, syncs, file } = openOnDisk(disk.takes)
  const asked = disk.isAsked()
  const first = add('first')
  await asked
  const others = Promise.all(
    Array.from({ length: 50 }, (_, index) => immediate().then(() => add(`${index}`))),
  )
  const other = new DatabaseSync(file)
  while (namesIn(other).length < 51) await immediate()
  other.close()
  assert.equal(syncs(), 1)
  disk.take()
  await Promise.all([first, others])
  assert.equal(syncs(), 2)
})

test('a database that is closed waits for what was begun', async () => {
  const disk = createHeldDisk()
  const { add, db, afterPowerCut } = openOnDisk(disk.takes)
  const asked = disk.isAsked()
  const writing = add('last')
  await asked
  const closing = db.destroy()
  assert.deepEqual(await settled(writing, closing), [false, false])
  disk.take()
  await Promise.all([writing, closing])
  assert.deepEqual(afterPowerCut(), ['last'])
})

describe('where the disk refuses', () => {
  const refuse = async () => {
    const disk = createHeldDisk()
    const opened = openOnDisk(disk.takes)
    const asked = disk.isAsked()
    const first = opened.add('refused')
    await asked
    const behind = opened.add('behind it')
    await settled(first, behind)
    disk.fail()
    return { ...opened, outcomes: await Promise.allSettled([first, behind]) }
  }

  test('all that waited have failed, also those behind, which would be found only after a whole log', async () => {
    const { outcomes } = await refuse()
    for (const outcome of outcomes) {
      assert.equal(outcome.status, 'rejected')
      assert.ok(outcome.reason instanceof NotOnDisk)
      assert.ok(isDatabaseFailure(outcome.reason))
    }
  })

  test('nothing more is written behind the gap: the log is emptied into the database first', async () => {
    const { file, add, afterPowerCut } = await refuse()
    const before = statSync(`${file}-wal`).size
    await add('next')
    assert.ok(statSync(`${file}-wal`).size < before)
    assert.ok(afterPowerCut().includes('next'))
  })

  test('and the log can not be emptied, nothing is written at all, until it can', async () => {
    const { file, add, db } = await refuse()
    const other = new DatabaseSync(file)
    other.exec('begin; select * from entries')
    await assert.rejects(add('too early'), NotOnDisk)
    await assert.rejects(sql`insert into entries values ('too early')`.execute(db), NotOnDisk)
    assert.equal(namesIn(other).includes('too early'), false)
    other.exec('rollback')
    other.close()
    await add('in time')
  })
})

describe('a disk that takes very long', () => {
  /** Each look at the disk ends when the test says so. */
  const openSlow = (longest: number) => {
    const looks: PromiseWithResolvers<void>[] = []
    let checkpoints = 0
    const log = createWriteLog(
      {
        sync: () => {
          const look = Promise.withResolvers<void>()
          looks.push(look)
          return look.promise
        },
        close: async () => {},
      },
      async () => {
        checkpoints += 1
      },
      longest,
    )
    return { log, looks, checkpoints: () => checkpoints }
  }

  test('is waited for by those who write, while others read', async () => {
    const taken = Promise.withResolvers<void>()
    const { db, add, syncs } = openOnDisk(() => taken.promise)
    const added = add('slow')
    while (syncs() === 0) await immediate()
    assert.deepEqual(await db.selectFrom('entries').select('name').execute(), [{ name: 'slow' }])
    taken.resolve()
    assert.equal(await added, 'slow')
  })

  test('is waited for to a bound: then all who wait are refused, and no more may begin', async () => {
    const { log, looks, checkpoints } = openSlow(20)
    const waiting = [log.persist(), log.persist(), log.persist()]
    for (const outcome of await Promise.allSettled(waiting)) assert.equal(outcome.status, 'rejected')
    await assert.rejects(log.mend(), NotOnDisk)
    await assert.rejects(log.persist(), NotOnDisk)
    assert.equal(looks.length, 1, 'the disk is not asked for more while it is at it')
    looks[0]?.resolve()
    await immediate()
    await log.mend()
    const persisted = log.persist()
    await immediate()
    looks[1]?.resolve()
    await persisted
    assert.equal(checkpoints(), 0, 'what came late has come')
  })

  test('and then refuses leaves a gap, which is mended as any', async () => {
    const { log, looks, checkpoints } = openSlow(20)
    await assert.rejects(log.persist(), NotOnDisk)
    looks[0]?.reject(new Error('EIO'))
    await immediate()
    await assert.rejects(log.persist(), NotOnDisk)
    await log.mend()
    assert.equal(checkpoints(), 1)
  })
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from './database.ts'
import { isDatabaseFailure } from './database-failure.ts'
import { isBusy, isSqliteFailure } from './sqlite-failure.ts'

const openFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-failure-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const errorOf = (act: () => unknown): unknown => {
  try {
    act()
  } catch (error) {
    return error
  }
  return assert.fail('it did not fail')
}

const openNumbers = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file, { timeout: 0 })
  database.exec('create table if not exists numbers (number integer primary key not null) strict')
  return database
}

test('a database that another connection holds is a failure, and busy', t => {
  const file = join(openFolder(t), 'a.db')
  const [holder, other] = [openNumbers(file), openNumbers(file)]
  holder.exec('begin exclusive')
  const error = errorOf(() => other.exec('insert into numbers values (1)'))
  assert.deepEqual([isBusy(error), isSqliteFailure(error)], [true, true])
  holder.close()
  other.close()
})

test('a full one is a failure', t => {
  const database = openNumbers(join(openFolder(t), 'a.db'))
  database.exec('create table texts (text text); pragma max_page_count = 3')
  const error = errorOf(() => database.exec(`insert into texts values (hex(zeroblob(100000)))`))
  assert.deepEqual([isBusy(error), isSqliteFailure(error)], [false, true])
  database.close()
})

test('one that may only be read is a failure for a writer', t => {
  const file = join(openFolder(t), 'a.db')
  openNumbers(file).close()
  const database = new DatabaseSync(file, { readOnly: true })
  assert.equal(isSqliteFailure(errorOf(() => database.exec('insert into numbers values (1)'))), true)
  database.close()
})

test('a file that is no database is a failure', t => {
  const file = join(openFolder(t), 'a.db')
  writeFileSync(file, 'no database\n'.repeat(1_000))
  assert.equal(isSqliteFailure(errorOf(() => openNumbers(file))), true)
})

test('a file that can not be made is a failure', t => {
  const file = join(openFolder(t), 'nowhere', 'a.db')
  assert.equal(isSqliteFailure(errorOf(() => openNumbers(file))), true)
})

test('a closed one is a failure, by itself and below Kysely', async t => {
  const folder = openFolder(t)
  const database = openNumbers(join(folder, 'a.db'))
  database.close()
  assert.equal(isSqliteFailure(errorOf(() => database.exec('select 1'))), true)
  const db = openDatabase(`sqlite:${join(folder, 'b.db')}`)
  // Kysely opens its driver with the first query.
  await sql`select 1`.execute(db)
  await db.destroy()
  await assert.rejects(db.selectFrom('users').selectAll().execute(), isDatabaseFailure)
})

const mistakes = [
  ['a statement that is none', 'selec 1'],
  ['an unknown table', 'select * from nowhere'],
  ['a broken constraint', 'insert into numbers values (1), (1)'],
  ['a value of another type', `insert into numbers values ('text')`],
] as const

for (const [what, statement] of mistakes)
  test(`${what} is a mistake of ours and no failure of the database`, t => {
    const database = openNumbers(join(openFolder(t), 'a.db'))
    const error = errorOf(() => database.exec(statement))
    assert.deepEqual([isBusy(error), isSqliteFailure(error)], [false, false])
    database.close()
  })

test('what is no error of a database is no failure of it', () => {
  for (const other of [
    undefined,
    null,
    5,
    'database is not open',
    new Error('other'),
    { errcode: 5 },
    new TypeError('errcode 5'),
  ])
    assert.deepEqual([isBusy(other), isSqliteFailure(other)], [false, false])
})

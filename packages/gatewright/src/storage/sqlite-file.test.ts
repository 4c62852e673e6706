import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabases } from './database.ts'
import { isDatabaseFailure } from './database-failure.ts'
import { watchFile } from './sqlite-file.ts'
import { inTransaction } from './transaction.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewright-file-'))
  file = join(folder, 'test.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

const replace = (): void => {
  copyFileSync(file, `${file}.new`)
  renameSync(`${file}.new`, file)
}

const damages: Record<string, () => void> = {
  deleted: () => rmSync(file),
  'moved away': () => renameSync(file, `${file}.old`),
  'replaced by a copy': replace,
  'replaced and its log taken away': () => rmSync(`${file}-wal`),
}

describe('a file that was', () => {
  for (const [name, damage] of Object.entries(damages))
    test(`${name} is lost, and stays so when something is put there again`, () => {
      for (const each of [file, `${file}-wal`]) writeFileSync(each, 'x')
      const { isLost } = watchFile(file)
      assert.equal(isLost(), false)
      damage()
      assert.equal(isLost(), true)
      for (const each of [file, `${file}-wal`]) writeFileSync(each, 'x')
      assert.equal(isLost(), true)
    })

  test('written to is not lost, nor one whose log came later', () => {
    writeFileSync(file, 'x')
    const { isLost } = watchFile(file)
    appendFileSync(file, 'y')
    assert.equal(isLost(), false)
    writeFileSync(`${file}-wal`, 'x')
    assert.equal(isLost(), false)
    rmSync(`${file}-wal`)
    assert.equal(isLost(), true)
  })

  test('closed is looked at no more', () => {
    writeFileSync(file, 'x')
    const { isLost, close } = watchFile(file)
    close()
    rmSync(file)
    assert.equal(isLost(), false)
  })
})

test('what is committed into a file that has lost its name fails, for all who waited for that commit', async t => {
  const { db, close } = openDatabases({ databaseUrl: `sqlite:${file}`, databasePool: 1 }, 'off')
  t.after(close)
  await sql`create table notes (text text)`.execute(db)
  const write = (text: string) =>
    inTransaction(db, work => sql`insert into notes values (${text})`.execute(work.db))
  await write('before')
  replace()
  const results = await Promise.allSettled(['a', 'b', 'c'].map(write))
  for (const result of results) {
    assert.equal(result.status, 'rejected')
    assert.ok(isDatabaseFailure(result.reason))
    assert.equal(result.reason.name, 'DatabaseLost')
  }
})

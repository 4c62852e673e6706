import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openDatabase } from './database.ts'

const top = mkdtempSync(join(tmpdir(), 'gatewright-'))
after(() => rmSync(top, { recursive: true }))

const isRoot = process.getuid?.() === 0

/** Opens it, and gives the line that says why not. */
const whyNot = (file: string): string => {
  try {
    openDatabase(`sqlite:${file}`)
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return assert.fail('it was opened')
}

describe('what is no database of SQLite is not opened, and the line names it', () => {
  const line = (file: string, why: string) => `the database of DATABASE_URL can't be opened: ${file}: ${why}`

  test('a folder', () => {
    const folder = join(top, 'folder')
    mkdirSync(folder)
    assert.equal(whyNot(folder), line(folder, 'it is a folder: write the path of a file in it'))
  })

  test('a file where its folder should be', () => {
    const file = join(top, 'file')
    writeFileSync(file, '')
    for (const inside of [join(file, 'x.db'), join(file, 'y', 'x.db')])
      assert.match(whyNot(inside), /is no folder: write another path$/)
  })

  test('another kind of file, whose mode and content stay', () => {
    const file = join(top, 'page.md')
    writeFileSync(file, '# A page', { mode: 0o644 })
    assert.equal(
      whyNot(file),
      line(file, 'it is no database: write the path of another file, or put the backup back'),
    )
    assert.equal(statSync(file).mode & 0o777, 0o644)
    assert.ok(!existsSync(`${file}-wal`))
  })

  test('a database that this user may only read', {
    skip: isRoot && 'root may write every file',
  }, async () => {
    const file = join(top, 'read.db')
    await openDatabase(`sqlite:${file}`).destroy()
    chmodSync(file, 0o400)
    assert.match(
      whyNot(file),
      /read\.db belongs to user \d+, and this runs as user \d+, who may not write it/,
    )
    assert.equal(statSync(file).mode & 0o777, 0o400)
  })
})

import { chmodSync, createReadStream, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import type { Database } from '../storage/tables.ts'
import { type Ask, type Counts, countRows, type Facts, readFacts } from './manifest.ts'
import type { Part } from './sealed-file.ts'

/** The file can not be used: SQLite finds that it is damaged. */
class Damaged extends Error {
  override readonly name = 'Damaged'
}

const openCopy = (file: string): DatabaseSync => {
  const copy = new DatabaseSync(file, { readOnly: true })
  copy.exec('pragma trusted_schema = off')
  return copy
}

const askOf =
  (copy: DatabaseSync): Ask =>
  async statement =>
    copy.prepare(statement).all()

const listTables = (copy: DatabaseSync): readonly string[] =>
  copy
    .prepare(
      "select name from sqlite_schema where type = 'table' and name not like 'sqlite~_%' escape '~' order by name",
    )
    .all()
    .map(({ name }) => String(name))

const checkWhole = (copy: DatabaseSync): void => {
  const [found] = copy.prepare('pragma integrity_check(1)').all()
  if (found?.integrity_check !== 'ok') throw new Damaged(`SQLite finds it damaged: ${found?.integrity_check}`)
  const [row] = copy.prepare('pragma foreign_key_check').all()
  if (row !== undefined)
    throw new Damaged(`a row of ${row.table} refers to one of ${row.parent} that is not there`)
}

export type Copy = { readonly facts: Facts; readonly counts: Counts }

/**
 * Looks whether a file of SQLite is whole, and what is in it.
 * @throws Damaged
 */
export const inspectFile = async (file: string): Promise<Copy> => {
  const copy = openCopy(file)
  try {
    checkWhole(copy)
    const tables = listTables(copy)
    return { facts: await readFacts(askOf(copy), tables), counts: await countRows(askOf(copy), tables) }
  } finally {
    copy.close()
  }
}

/**
 * Copies a database as it is at one moment into a new file, beside those who write: a reader holds up nobody in WAL.
 * Only what is there is copied, and no page that was freed, so nothing that was erased.
 */
export const copyFile = async (db: Database, file: string): Promise<Copy> => {
  // SQLite would make it for everybody to read.
  writeFileSync(file, '', { flag: 'wx', mode: 0o600 })
  await sql`vacuum into ${file}`.execute(db)
  chmodSync(file, 0o600)
  return inspectFile(file)
}

const partSize = 1024 * 1024

export async function* toFileParts(file: string, counts: Counts): AsyncGenerator<Part> {
  for await (const bytes of createReadStream(file, { highWaterMark: partSize }))
    yield { kind: 'bytes', bytes: bytes as Buffer }
  yield { kind: 'json', value: counts }
}

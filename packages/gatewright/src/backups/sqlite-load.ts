import { existsSync, rmSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Random } from '../ground/random.ts'
import { beingRestored } from '../storage/identity.ts'
import { checkCounts } from './check-counts.ts'
import type { Counts } from './manifest.ts'
import { makeFile } from './new-file.ts'
import type { Part } from './sealed-file.ts'
import { inspectFile } from './sqlite-copy.ts'

/** What SQLite would take for what belongs to a file of that name. */
const beside = ['-wal', '-shm', '-journal'] as const

/** Whether there is anything of a database at this name. */
export const standsThere = (file: string): boolean => ['', ...beside].some(end => existsSync(file + end))

/** Of processes that worked on the copy nobody is here; and it is not to be used before it was adopted. */
const mark = (file: string): void => {
  const database = new DatabaseSync(file)
  try {
    database.exec('pragma secure_delete = on; pragma journal_mode = delete; delete from processes')
    database.prepare('update installation set identity = ?').run(beingRestored)
  } finally {
    database.close()
  }
}

const writeBytes = async (file: FileHandle, parts: AsyncIterable<Part>): Promise<Counts | undefined> => {
  let counts: Counts | undefined
  for await (const part of parts) {
    if (part.kind === 'bytes') await file.writeFile(part.bytes)
    else counts = part.value as Counts
  }
  return counts
}

/**
 * Makes the file of a database from the parts of a backup: whole, looked through and marked, or not at all.
 * @param erase what stands there is replaced
 */
export const loadFile = (
  file: string,
  parts: AsyncIterable<Part>,
  { erase, random }: { readonly erase: boolean; readonly random: Random },
): Promise<Counts> =>
  makeFile(file, { replace: erase, random }, async (handle, { draft }) => {
    const counts = await writeBytes(handle, parts)
    checkCounts((await inspectFile(draft)).counts, counts)
    mark(draft)
    await handle.sync()
    // SQLite would take the log of the one before for that of this one.
    for (const end of beside) rmSync(file + end, { force: true })
    return counts ?? { tables: {} }
  })

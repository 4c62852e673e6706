import { close, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'

/** What was committed may be gone after a power cut: the disk did not take it. */
export class NotOnDisk extends Error {
  override readonly name = 'NotOnDisk'
}

/** SQLite's log of writes, into which a commit writes: the file beside the database's. */
export type LogFile = {
  /** Resolves when all that was written to it before is on the disk. */
  readonly sync: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Windows brings to the disk only what may be written; elsewhere a file that may only be read is looked at as well. */
const mode = process.platform === 'win32' ? 'r+' : 'r'

/** Of a database that is open: until it is closed the log keeps its name. */
export const openLogFile = (database: string): LogFile => {
  const file = openSync(`${database}-wal`, mode)
  return { sync: () => promisify(fdatasync)(file), close: () => promisify(close)(file) }
}

/** See {@link createWriteLog}. */
export type WriteLog = {
  /**
   * Resolves when all that was committed before is on the disk.
   * @throws NotOnDisk what was committed is there, and may be gone after a power cut
   */
  readonly persist: () => Promise<void>
  /** To be awaited before a transaction. */
  readonly mend: () => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Brings commits to the disk while the process goes on: SQLite itself would hold it for as long as the disk
 * takes. One look at the disk at a time; all who come during it share the next one.
 *
 * When the disk refuses, what follows in the log is worth nothing: it is read up to the first page that is
 * missing, and the system does not try that page again. So no transaction begins before `checkpoint` has
 * written all of the log into the database itself, and emptied it.
 */
export const createWriteLog = (
  { sync, close: closeFile }: LogFile,
  checkpoint: () => Promise<void>,
): WriteLog => {
  let isTorn = false
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  const syncOnce = async (): Promise<void> => {
    next = undefined
    if (isTorn) throw new NotOnDisk('the log of writes is not on the disk')
    try {
      await sync()
    } catch (cause) {
      isTorn = true
      throw new NotOnDisk('the log of writes could not be brought to the disk', { cause })
    }
  }
  return {
    persist: () => {
      next ??= last.then(syncOnce, syncOnce)
      last = next
      return next
    },
    mend: async () => {
      if (!isTorn) return
      await checkpoint()
      isTorn = false
    },
    close: async () => {
      await last.catch(() => {})
      await closeFile()
    },
  }
}

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

const tooLate = 'the disk takes very long for the log of writes'

/** So many milliseconds a disk may take for what was written. Whoever waits longer is told that it is not there. */
const longestSync = 10_000

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
 *
 * A disk that takes very long has not refused: what was written may come to it yet. But nobody waits for it without
 * end, and while it takes so long no transaction begins, so that those who wait do not become more and more.
 */
export const createWriteLog = (
  { sync, close: closeFile }: LogFile,
  checkpoint: () => Promise<void>,
  longest = longestSync,
): WriteLog => {
  let isTorn = false
  /** A look at the disk goes on that nobody waits for any more. */
  let isLate = false
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  const look = async (): Promise<void> => {
    try {
      await sync()
    } catch (cause) {
      isTorn = true
      throw new NotOnDisk('the log of writes could not be brought to the disk', { cause })
    } finally {
      isLate = false
    }
  }

  const syncOnce = async (): Promise<void> => {
    next = undefined
    if (isTorn) throw new NotOnDisk('the log of writes is not on the disk')
    if (isLate) throw new NotOnDisk(tooLate)
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      isLate = true
      late.reject(new NotOnDisk(tooLate))
    }, longest).unref()
    await Promise.race([look().finally(() => clearTimeout(timer)), late.promise])
  }
  return {
    persist: () => {
      next ??= last.then(syncOnce, syncOnce)
      last = next
      return next
    },
    mend: async () => {
      if (isLate) throw new NotOnDisk(tooLate)
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

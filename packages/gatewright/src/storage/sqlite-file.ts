import { type BigIntStats, statSync } from 'node:fs'
import { resolve } from 'node:path'

/** The file of the database was deleted, or another one stands in its place: what is written to it is lost. */
export class DatabaseLost extends Error {
  override readonly name = 'DatabaseLost'
}

type Inode = Pick<BigIntStats, 'dev' | 'ino'>

/** Undefined where there is none; a disk that does not answer says nothing of the file. */
const findInode = (path: string): Inode | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })

const isSame = (one: Inode, other: Inode | undefined): boolean =>
  other !== undefined && one.dev === other.dev && one.ino === other.ino

const toPair = (files: readonly (Inode | undefined)[]): string => {
  const found = files.flatMap(file => file ?? [])
  return found.length === files.length ? found.map(({ dev, ino }) => `${dev}:${ino}`).join('/') : ''
}

const namesOf = (path: string): readonly string[] => [resolve(path), `${resolve(path)}-wal`]

/**
 * Whether another database stands in the place of the one of `pair`, and the log of that one beside it: SQLite
 * would take the log for the database's own, and mix the two.
 */
export const isMixed = (path: string, pair: string): boolean => {
  const [database, log] = pair.split('/')
  const [nowDatabase, nowLog] = toPair(namesOf(path).map(findInode)).split('/')
  return log !== undefined && log === nowLog && database !== nowDatabase
}

/** The open file of a database. */
export type OpenFile = {
  /** Whether the path names another file by now, or none. Once true, it stays. */
  readonly isLost: () => boolean
  /** Which files these are, the database's and its log's; empty before both are there. */
  readonly pair: () => string
  /** It was closed, and what becomes of it is no longer looked at. */
  readonly close: () => void
}

/**
 * Watches a file that was just opened, and its log of writes, which SQLite keeps for as long as somebody has the
 * database open. A process goes on with the files that it has open, whatever is done to their names: nobody
 * else would ever see what it writes.
 */
export const watchFile = (path: string): OpenFile => {
  const names = namesOf(path)
  const opened = names.map(findInode)
  let isLost = false
  let isClosed = false
  const isOther = (name: string, at: number): boolean => {
    const known = opened[at]
    const now = findInode(name)
    // The log is made with the first use.
    if (known === undefined) opened[at] = now
    return known !== undefined && !isSame(known, now)
  }
  const look = (): boolean => {
    try {
      return names.some(isOther)
    } catch {
      return false
    }
  }
  return {
    isLost: () => {
      isLost ||= !isClosed && look()
      return isLost
    },
    pair: () => toPair(opened),
    close: () => {
      isClosed = true
    },
  }
}

import type { DatabaseFigures } from './database-figures.ts'
import { createMutex } from './mutex.ts'

/** So many wait for one commit at most. */
const largestGroup = 64

type Group = { members: number; isLast: boolean; readonly durable: PromiseWithResolvers<void> }

/** The time in which one transaction has the connection to itself. It is ended once: what comes later does nothing. */
export type Turn = {
  /** Resolves when what was written is durable. */
  readonly commit: () => Promise<void>
  /** What was written has never been. */
  readonly rollback: () => Promise<void>
  /** Whether it has ended, or is about to: what comes now would be part of another transaction. */
  readonly isOver: () => boolean
}

export type Turns = {
  readonly begin: () => Promise<Turn>
  /** Takes note of a statement that failed, which may have ended the transaction. */
  readonly noteFailure: (error: unknown) => Promise<void>
  readonly figures: () => DatabaseFigures
  /** Runs with no transaction open. */
  readonly runAlone: <T>(run: () => Promise<T>) => Promise<T>
}

type Connection = {
  readonly run: (sql: string) => Promise<unknown>
  /** Some failures end the transaction that was open. */
  readonly isInTransaction: () => boolean
  /** Resolves when all that was committed before is on the disk. The next transaction does not wait for it. */
  readonly persist: () => Promise<void>
}

/**
 * Group commit, for a database with one writer. Transactions that wait at the same time follow each other,
 * each in a savepoint, within one transaction of the database, whose commit costs the disk as much as one of
 * them would. Each has its own outcome: one that rolls back takes nothing of the others with it. None is
 * told that it is committed before the disk has it; if that fails, all that waited for it have failed.
 *
 * A group takes whoever comes before this turn of the event loop is over. What was read from sockets
 * together is written together, and a lone writer waits for nobody.
 */
export const createTurns = ({ run, isInTransaction, persist }: Connection): Turns => {
  const mutex = createMutex()
  let group: Group | undefined
  const counts = { transactions: 0, commits: 0 }

  /** A rollback that failed is done before anything else. */
  let isLeftOpen = false
  const rollBack = async (): Promise<void> => {
    isLeftOpen = isInTransaction()
    if (isLeftOpen) await run('rollback')
    isLeftOpen = false
  }

  const abandon = async (error: unknown): Promise<void> => {
    group?.durable.reject(error)
    group = undefined
    await rollBack()
  }

  const finish = async (): Promise<void> => {
    try {
      await run('commit')
      counts.commits += 1
      counts.transactions += group?.members ?? 0
      group?.durable.resolve(persist())
      group = undefined
    } catch (error) {
      await abandon(error)
    }
  }

  /** Where somebody has a turn, the group ends with it. */
  const finishSoon = async (current: Group): Promise<void> => {
    if (group !== current) return
    current.isLast = mutex.isHeld()
    if (current.isLast) return
    await mutex.acquire()
    try {
      if (group === current) await finish()
    } finally {
      mutex.release()
    }
  }

  const open = async (): Promise<Group> => {
    if (isLeftOpen) await rollBack()
    await run('begin immediate')
    const current = { members: 0, isLast: false, durable: Promise.withResolvers<void>() }
    // Members hear of a failure; a group whose members have all rolled back has none.
    current.durable.promise.catch(() => {})
    setImmediate(() => void finishSoon(current).catch(() => {}))
    return current
  }

  const noteFailure = async (error: unknown): Promise<void> => {
    if (!isInTransaction()) await abandon(error)
  }

  /** A group in which nobody has written anything holds the lock for nothing. */
  const isDone = ({ isLast, members }: Group): boolean => isLast || members === 0 || members === largestGroup

  /** Every way out of a turn: the next one gets it, whatever happens. */
  const leave = async (): Promise<void> => {
    try {
      if (group !== undefined && isDone(group)) await finish()
    } finally {
      mutex.release()
    }
  }

  const undo = async (): Promise<void> => {
    try {
      if (!isInTransaction()) return
      await run('rollback to member')
      await run('release member')
    } catch (error) {
      await abandon(error)
    } finally {
      await leave()
    }
  }

  const toTurn = (current: Group): Turn => {
    let isOver = false
    let isLeft = false
    return {
      isOver: () => isOver,
      commit: async () => {
        isOver = true
        await run('release member')
        isLeft = true
        current.members += 1
        await leave()
        await current.durable.promise
      },
      rollback: async () => {
        if (isLeft) return
        isOver = true
        isLeft = true
        await undo()
      },
    }
  }

  return {
    begin: async () => {
      await mutex.acquire()
      try {
        group ??= await open()
        await run('savepoint member')
        return toTurn(group)
      } catch (error) {
        try {
          await noteFailure(error)
        } finally {
          await leave()
        }
        throw error
      }
    },
    noteFailure,
    figures: () => ({ inUse: Number(mutex.isHeld()), waiting: mutex.waiting(), ...counts }),
    runAlone: async work => {
      await mutex.acquire()
      try {
        if (group !== undefined) await finish()
        if (isLeftOpen) await rollBack()
        return await work()
      } finally {
        mutex.release()
      }
    },
  }
}

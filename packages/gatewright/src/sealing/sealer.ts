import { setTimeout as delay } from 'node:timers/promises'
import type { Checkpoint } from '../audit/checkpoint.ts'
import { minute, second } from '../ground/clock.ts'
import { jitter } from '../ground/random.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { AuditEventRow, Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Anchors } from './anchors.ts'
import type { KeyDependencies } from './audit-keys.ts'
import { addCheckpoint } from './checkpoints.ts'
import { batchSize, type Head, listUnsealed, readHead, sealEvents } from './seal-events.ts'
import { createSweep } from './sweep-unsealed.ts'

/** A start that fails, because another program has the port, has sealed and said nothing. */
const firstLook = second
/** How often the one who seals looks, at most; half of it at least. */
const interval = 600
/** The others look so often whether it still does. */
const longInterval = 5 * second
/** So much new, or after so long anything new, is signed. */
const mostUnsigned = 1_000
const longestUnsigned = minute
/** Who has not sealed it leaves it for so much longer to the one who has. */
const patience = 15 * second
/** Between two batches, in which requests have the database to themselves. */
const rest = 5
/** How long closing waits for what was recorded last. */
const longestStop = 5 * second
/** How often it is told that it can't be done, while that goes on. */
const toldEvery = minute
/** Older than this and unsealed: something is wrong. */
const longestUnsealed = minute

type Signed = Pick<Head, 'position' | 'checked' | 'checkedAt'>

/** A checkpoint of the future is of a clock that was wrong: nothing would be signed until that was caught up with. */
export const isDue = ({ position, checked, checkedAt }: Signed, now: number, isSealing: boolean): boolean =>
  position - checked >= mostUnsigned ||
  (position > checked && Math.abs(now - checkedAt) >= longestUnsigned + (isSealing ? 0 : patience))

export type SealerLog = Readonly<
  Record<'info' | 'warn', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

export type Sealer = {
  /** Seals from now on, until it is stopped. A process that does not call it, as a command line, seals nothing. */
  readonly start: (log: SealerLog) => void
  /** Seals what is there now. @returns how many events; undefined where another process was first */
  readonly look: () => Promise<number | undefined>
  /** Signs what the chain is now, where that was not done. */
  readonly sign: () => Promise<Checkpoint | undefined>
  /** How long the oldest event waits that is known not to be sealed, in milliseconds; 0 where all are. */
  readonly lag: () => number
  /** Seals and signs what is left, and ends. One that has not looked yet leaves it: a refused start says nothing more. */
  readonly stop: () => Promise<void>
}

export type SealerDependencies = KeyDependencies & {
  readonly db: Database
  /** Where checkpoints go, beside the log. */
  readonly anchors?: Anchors
}

/**
 * Hangs what was recorded on a chain of hashes, and signs it. Any number of processes may: one statement seals all
 * that it names behind the head that was read, or nothing, so two at once make one chain and no fork, and one that was
 * killed or paused leaves nothing behind. No lease is taken, because nothing would be safer by it: whoever seals goes
 * on looking often, and whoever sees that another does looks seldom.
 */
export const createSealer = (dependencies: SealerDependencies): Sealer => {
  const { db, clock, random, anchors } = dependencies
  const sweep = createSweep(dependencies)
  let log: SealerLog = { info: () => {}, warn: () => {} }
  let state: 'idle' | 'started' | 'stopped' = 'idle'
  let timer: NodeJS.Timeout | undefined
  let working: Promise<unknown> = Promise.resolve()
  /** The end of the chain as this process left it, or saw it last. */
  let known = -1
  let isSealing = true
  let oldest: number | undefined
  let settledAt = clock.monotonic()
  let hasBegun = false
  let failures = 0
  let toldAt = Number.NEGATIVE_INFINITY

  /** All behind the window's start, batch by batch; undefined where another process was first. */
  const sealBehind = async (head: Head, after: number): Promise<Head | undefined> => {
    const events = await listUnsealed(db, { after })
    oldest = events.length === 0 ? undefined : Math.min(...events.map(({ at }) => at))
    if (events.length === 0) return head
    const end = await sealEvents(db, head, events)
    if (end === undefined) return undefined
    oldest = undefined
    const last = (events.at(-1) as AuditEventRow).id
    const next = { ...head, ...end, mostEvent: Math.max(head.mostEvent, last) }
    if (events.length < batchSize) return next
    // Not the clock's, which keeps no command alive.
    await delay(rest)
    return sealBehind(next, last)
  }

  /** What came late, of a transaction that took long. */
  const sealLate = async (head: Head): Promise<Head | undefined> => {
    const events = await sweep.next(head)
    if (events.length === 0) return head
    const end = await sealEvents(db, head, events)
    return end && { ...head, ...end }
  }

  const lookOnce = async (): Promise<Head | undefined> => {
    const before = await readHead(db)
    const sealed = await sealBehind(before, sweep.windowBehind(before))
    const head = sealed && isSealing ? await sealLate(sealed) : sealed
    settledAt = clock.monotonic()
    if (head === undefined) isSealing = false
    else if (head.position > before.position) isSealing = true
    else if (known >= 0 && before.position > known) isSealing = false
    known = head?.position ?? before.position
    return head
  }

  const sign = async ({ position, hash, checked }: Head): Promise<Checkpoint | undefined> => {
    if (position === checked) return undefined
    const signed = await inTransaction(db, async work => {
      const added = await addCheckpoint(dependencies, work, { kind: 'checkpoint', position, hash })
      if (added !== undefined) await anchors?.queue(work, added.id)
      return added
    })
    if (signed !== undefined) log.info({ checkpoint: signed.checkpoint }, 'audit checkpoint')
    return signed?.checkpoint
  }

  /** One after the other, whoever asks. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = working.then(work)
    working = done.catch(() => {})
    return done
  }

  const turn = async (): Promise<void> => {
    hasBegun = true
    const head = await lookOnce()
    if (head !== undefined && isDue(head, clock.now(), isSealing)) await sign(head)
    // Nobody waits for another machine to seal what is recorded here.
    void anchors?.deliver(log)
  }

  const fail = (error: unknown): void => {
    failures += 1
    const now = clock.monotonic()
    if (failures > 1 && now - toldAt < toldEvery) return
    toldAt = now
    log.warn({ err: error, attempts: failures }, 'audit events could not be sealed')
  }
  const succeed = (): void => {
    if (failures > 0) log.info({ attempts: failures }, 'audit events are sealed again')
    failures = 0
  }

  const goOn = (pause: number): void => {
    timer = setTimeout(async () => {
      await inTurn(turn).then(succeed, fail)
      if (state === 'started') goOn(jitter(random, isSealing && failures === 0 ? interval : longInterval))
    }, pause).unref()
  }

  const finish = async (): Promise<void> => {
    const head = await lookOnce()
    if (head !== undefined) await sign(head)
    await anchors?.deliver(log)
  }

  return {
    start: logger => {
      if (state !== 'idle') return
      log = logger
      state = 'started'
      goOn(firstLook)
    },
    look: () =>
      inTurn(async () => {
        const { position } = await readHead(db)
        const head = await lookOnce()
        return head && head.position - position
      }),
    sign: () => inTurn(async () => sign(await readHead(db))),
    lag: () => {
      if (state !== 'started') return 0
      const waited = clock.monotonic() - settledAt
      return oldest === undefined
        ? waited > longestUnsealed
          ? waited
          : 0
        : Math.max(0, clock.now() - oldest)
    },
    stop: async () => {
      state = 'stopped'
      clearTimeout(timer)
      if (hasBegun)
        await waitAtMost(
          longestStop,
          inTurn(finish).catch(error => log.warn({ err: error }, 'the last audit events were not sealed')),
        )
      await anchors?.stop()
    },
  }
}

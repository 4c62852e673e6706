import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'
import { type Clock, second } from '../ground/clock.ts'
import { type DeliveryCounts, noDeliveries } from '../ground/delivery-counts.ts'
import { freezeDeeply } from '../ground/freeze-deeply.ts'
import type { Random } from '../ground/random.ts'
import type { Database, HookEventRow } from '../storage/tables.ts'
import type { AnyHookEvent, HookHandler, HookName, Hooks } from './events.ts'
import { backOff, claimDue, declareHooks, finish, giveBack, mostAttempts } from './queue.ts'

/** How often the queue is looked at: what other processes put into it wakes nobody here. */
const interval = second
/** How many handlers run at once in this process. */
const mostRunning = 4
/** A handler that runs longer counts as failed, and no longer keeps others waiting. */
const longestRun = 30 * second
/** How long closing waits for handlers; what they were at is delivered again after its lease. */
const longestStop = 5 * second

export type HookLog = Readonly<
  Record<'warn' | 'error', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

export type HookRunner = {
  /** Declares the handlers and delivers from now on. Hooks that are not named are no longer queued. */
  readonly start: (hooks: Hooks, log: HookLog) => Promise<void>
  /** Looks at the queue now; without effect where nothing was started. */
  readonly wake: () => void
  /** Resolves once nothing is due that this process delivers, and no handler of it runs. */
  readonly settled: () => Promise<void>
  /** Takes nothing more, and waits a bounded time for what runs. */
  readonly stop: () => Promise<void>
  /** What became of attempts so far. */
  readonly counts: () => Readonly<DeliveryCounts>
}

type Dependencies = { readonly db: Database; readonly clock: Clock; readonly random: Random }
type Running = { readonly row: HookEventRow; readonly since: number; readonly ended: Promise<void> }

const toEvent = ({ id, name, user_id, at, details }: HookEventRow): AnyHookEvent =>
  freezeDeeply({ ...JSON.parse(details), id: String(id), name, at, userId: user_id })

const tooLong = (): Error => new Error(`the handler took longer than ${longestRun / second} s`)

/** Delivers the events of the queue to the handlers of this process. */
export const createHookRunner = ({ db, clock, random }: Dependencies): HookRunner => {
  const running = new Map<number, Running>()
  /** Their attempt has been counted as failed; whatever still comes of it is too late. */
  const givenUp = new WeakSet<HookEventRow>()
  const counts = noDeliveries()
  let hooks: Hooks = {}
  let log: HookLog
  let state: 'idle' | 'started' | 'stopped' = 'idle'
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let stopping: Promise<void> | undefined
  let isWanted = false

  const fail = async (row: HookEventRow, error: unknown): Promise<void> => {
    const isDead = row.attempts >= mostAttempts
    counts[isDead ? 'givenUp' : 'failed'] += 1
    const fields = { hook: row.name, event: String(row.id), attempt: row.attempts, err: error }
    if (isDead) log.error(fields, 'a hook failed for the last time; gatewright doctor shows its event')
    else log.warn(fields, 'a hook failed; it is tried again')
    await giveBack(db, row, clock.now() + (isDead ? 0 : backOff(random, row.attempts)))
  }

  const deliver = async (row: HookEventRow): Promise<void> => {
    const event = toEvent(row)
    const handle = hooks[event.name] as HookHandler<HookName> | undefined
    try {
      await handle?.(event, { db })
    } catch (error) {
      if (!givenUp.has(row)) await fail(row, error)
      return
    }
    await finish(db, row)
    counts.done += 1
  }

  /** A database that fails here leaves the lease, after which the event is delivered again. */
  const run = (row: HookEventRow): void => {
    const ended = deliver(row)
      .catch(error => log.warn({ err: error }, 'the queue of hooks could not be written'))
      .finally(() => {
        if (!givenUp.has(row)) running.delete(row.id)
        wake()
      })
    running.set(row.id, { row, since: clock.now(), ended })
  }

  const giveUpHanging = async (): Promise<void> => {
    const hanging = [...running.values()].filter(({ since }) => clock.now() - since > longestRun)
    for (const { row } of hanging) {
      givenUp.add(row)
      running.delete(row.id)
      await fail(row, tooLong())
    }
  }

  const look = async (): Promise<void> => {
    const names = Object.keys(hooks) as HookName[]
    while (isWanted && state === 'started') {
      isWanted = false
      await giveUpHanging()
      const most = mostRunning - running.size
      if (most === 0) continue
      const claimed = await claimDue(db, { names, now: clock.now(), most })
      if (state === 'started') claimed.forEach(run)
      else for (const row of claimed) await giveBack(db, row, clock.now())
    }
  }

  const wake = (): void => {
    isWanted = true
    if (state !== 'started' || Object.keys(hooks).length === 0) return
    looking ??= look()
      .catch(error => log.warn({ err: error }, 'the queue of hooks could not be read'))
      .finally(() => {
        looking = undefined
        if (isWanted) setImmediate(wake)
      })
  }

  const settled = async (): Promise<void> => {
    wake()
    while (state === 'started' && (looking !== undefined || running.size > 0)) {
      await Promise.all([looking, ...[...running.values()].map(({ ended }) => ended)])
      // A look that is wanted meanwhile begins with the next turn.
      await immediate()
    }
  }

  const stop = async (): Promise<void> => {
    state = 'stopped'
    clearInterval(timer)
    const all = Promise.all([looking, ...[...running.values()].map(({ ended }) => ended)])
    const enough = new AbortController()
    const tooLate = delay(longestStop, undefined, enough).catch(() => {})
    await Promise.race([all, tooLate])
    enough.abort()
  }

  return {
    start: async (handlers, logger) => {
      if (state !== 'idle') throw new TypeError('hooks are started once')
      hooks = handlers
      log = logger
      await declareHooks(db, Object.keys(handlers) as HookName[], clock.now())
      // Closed meanwhile, it stays closed.
      if (stopping !== undefined) return
      state = 'started'
      timer = setInterval(wake, interval).unref()
      wake()
    },
    wake,
    settled,
    counts: () => counts,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { minute, second } from '../ground/clock.ts'
import { type DeliveryCounts, noDeliveries } from '../ground/delivery-counts.ts'
import { codeOf } from '../ground/error-code.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database, MailRow } from '../storage/tables.ts'
import { type AskDependencies, resolveAsked } from './asked.ts'
import { claimMail, holdOn, mailLease, noteDone, noteFailure } from './claim.ts'
import { type Post, writeMessage } from './message.ts'
import type { Letter, MailContent } from './queue.ts'
import { PermanentFailure, type Transport } from './transport.ts'

/** How often the queue is looked at: what other processes put into it wakes nobody here. */
const interval = 2 * second
/** How many mails this process hands over at once. */
const mostAtOnce = 4
/** After it a mail server is given up for this attempt: RFC 5321 lets it take ten minutes for its last word. */
const longestSend = 15 * minute
/** How long closing waits for what is being handed over. */
const longestStop = 5 * second

export type MailLog = Readonly<
  Record<'warn' | 'error', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

export type Mailer = {
  /** Whether mail is sent at all. */
  readonly isOn: boolean
  /** Sends from now on, until it is stopped. */
  readonly start: (log: MailLog) => void
  /** Looks at the queue now; without effect where nothing was started. */
  readonly wake: () => void
  /** Sends what is due now, whether started or not, and resolves when nothing is. */
  readonly deliver: () => Promise<void>
  /** Takes nothing more, and waits a bounded time for what is being handed over. */
  readonly stop: () => Promise<void>
  /** What became of attempts so far. */
  readonly counts: () => Readonly<DeliveryCounts>
}

export type MailerDependencies = AskDependencies & {
  readonly db: Database
  readonly secrets: Secrets
  readonly post: Post
  /** Undefined where nothing is sent. */
  readonly transport: Transport | undefined
}

const silent: MailLog = { warn: () => {}, error: () => {} }

/** A code that says nothing of whom the mail is for, as servers' own words do. */
const problemOf = (error: unknown): string => {
  if (error instanceof PermanentFailure) return error.code
  const { responseCode } = error as { readonly responseCode?: number }
  return String(responseCode || codeOf(error) || 'failed')
}

/** Sends what stands in the queue. Any number of processes may: each mail is one process's at a time. */
export const createMailer = (dependencies: MailerDependencies): Mailer => {
  const { db, clock, random, secrets, post, transport } = dependencies
  const workers = new Set<Promise<void>>()
  const enough = new AbortController()
  const counts = noDeliveries()
  let log = silent
  let state: 'idle' | 'started' | 'stopped' = 'idle'
  let timer: NodeJS.Timeout | undefined

  const openLetter = async (row: MailRow): Promise<Letter | undefined> => {
    const content = JSON.parse(secrets.open('mail', row.id, row.content).toString()) as MailContent
    return 'ask' in content ? resolveAsked(dependencies, row, content) : content
  }

  const send = async (row: MailRow, to: Transport): Promise<void> => {
    const letter = await openLetter(row)
    if (letter !== undefined) {
      const message = await writeMessage(post, letter, { id: row.id, createdAt: row.created_at })
      await to.send(message, AbortSignal.any([enough.signal, AbortSignal.timeout(longestSend)]))
    }
    await noteDone(db, row, { now: clock.now(), wasSent: letter !== undefined })
    if (letter !== undefined) counts.done += 1
  }

  const fail = async (row: MailRow, error: unknown): Promise<void> => {
    const problem = problemOf(error)
    const isPermanent = error instanceof PermanentFailure
    const what = await noteFailure(db, row, { problem, isPermanent, now: clock.now(), random })
    const fields = { mail: row.id, kind: row.kind, attempt: row.attempts, problem }
    counts[what === 'given up' ? 'givenUp' : 'failed'] += 1
    if (what === 'given up') log.error(fields, 'a mail was given up; gatewright doctor shows it')
    else log.warn(fields, 'a mail could not be sent; it is tried again')
  }

  /** While a server takes its time nobody else takes the mail. */
  const holding = (row: MailRow): NodeJS.Timeout =>
    setInterval(() => {
      holdOn(db, row, clock.now()).catch(() => {})
    }, mailLease / 3).unref()

  const handle = async (row: MailRow, to: Transport): Promise<void> => {
    const hold = holding(row)
    try {
      await send(row, to)
    } catch (error) {
      await fail(row, error)
    } finally {
      clearInterval(hold)
    }
  }

  const work = async (to: Transport): Promise<void> => {
    while (state !== 'stopped') {
      const row = await claimMail(db, clock.now())
      if (row === undefined) return
      wake()
      await handle(row, to)
    }
  }

  const addWorker = (to: Transport): Promise<void> => {
    const worker = work(to)
      .catch(error => log.warn({ err: error }, 'the queue of mail could not be read or written'))
      .finally(() => workers.delete(worker))
    workers.add(worker)
    return worker
  }

  const wake = (): void => {
    if (transport !== undefined && state === 'started' && workers.size < mostAtOnce) addWorker(transport)
  }

  const stop = async (): Promise<void> => {
    state = 'stopped'
    clearInterval(timer)
    const waited = new AbortController()
    await Promise.race([
      Promise.all(workers),
      delay(longestStop, undefined, { signal: waited.signal }).catch(() => {}),
    ])
    waited.abort()
    enough.abort()
  }
  let stopping: Promise<void> | undefined

  return {
    isOn: transport !== undefined,
    counts: () => counts,
    start: logger => {
      if (state !== 'idle') return
      log = logger
      state = 'started'
      timer = setInterval(wake, interval).unref()
      wake()
    },
    wake,
    deliver: async () => {
      if (transport !== undefined) await addWorker(transport)
      await Promise.all(workers)
    },
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

import { open } from 'node:fs/promises'
import type { Checkpoint } from '../audit/checkpoint.ts'
import { postJson, resolveName } from '../federation/get-issuer-json.ts'
import type { AuditAnchor } from '../ground/audit-anchor.ts'
import { hour, minute, second } from '../ground/clock.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import { backOff, mostAttempts } from '../hooks/queue.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import type { KeyDependencies } from './audit-keys.ts'
import { readCheckpoint } from './checkpoints.ts'

/** How long a taken checkpoint is its taker's; then another delivers it, for the taker may be dead. */
const lease = minute
/** Nobody reads a mail a minute: the newest one vouches for all before it. */
const mailInterval = hour
/** How long closing waits for what is on its way. */
const longestStop = 3 * second

export type AnchorLog = {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

/** The way of checkpoints to where `AUDIT_ANCHOR` says. */
export type Anchors = {
  /** Puts a checkpoint on its way, in the transaction that makes it. */
  readonly queue: (work: Work, id: number) => Promise<void>
  /** Delivers what is due, the oldest first. Never rejects: what failed is tried again later. */
  readonly deliver: (log: AnchorLog) => Promise<void>
  readonly stop: () => Promise<void>
}

export type AnchorDependencies = KeyDependencies &
  Omit<MailDependencies, 'secrets'> & {
    readonly db: Database
    readonly settings: { readonly auditAnchor: AuditAnchor | undefined }
  }

type Due = { readonly checkpoint_id: number; readonly attempts: number; readonly due_at: number }

/** One that is not delivered: the oldest, or of mails the newest. */
const findDue = (db: Database, now: number, order: 'asc' | 'desc'): Promise<Due | undefined> =>
  db
    .selectFrom('audit_deliveries')
    .select(['checkpoint_id', 'attempts', 'due_at'])
    .where('delivered_at', 'is', null)
    .where('due_at', '<=', now)
    .orderBy('checkpoint_id', order)
    .limit(1)
    .executeTakeFirst()

/** A compare-and-set: of several processes that saw it as due, one gets it. */
const claim = async (
  db: Database,
  { checkpoint_id, attempts, due_at }: Due,
  now: number,
): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('audit_deliveries')
    .set({ attempts: attempts + 1, due_at: now + lease })
    .where('checkpoint_id', '=', checkpoint_id)
    .where('attempts', '=', attempts)
    .where('due_at', '=', due_at)
    .where('delivered_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

const note = (db: Database, id: number) => db.updateTable('audit_deliveries').where('checkpoint_id', '=', id)

/** One line, on the disk before it counts as delivered. */
const appendLine = async (path: string, line: string): Promise<void> => {
  const file = await open(path, 'a', 0o600)
  try {
    await file.appendFile(`${line}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
}

const findLastMail = async (db: Database): Promise<number> => {
  const { at } = await db
    .selectFrom('audit_deliveries')
    .select(eb => eb.fn.max('delivered_at').as('at'))
    .executeTakeFirstOrThrow()
  return at ?? Number.NEGATIVE_INFINITY
}

/** A mail a process hands over by itself: what is delivered here is in the queue of mail. */
const mailCheckpoint = (
  dependencies: AnchorDependencies,
  to: string,
  id: number,
  line: string,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.holdSecretInForce(work)
    const content = {
      letter: 'audit-checkpoint',
      to,
      locale: 'en',
      values: { checkpoint: line },
      links: {},
    } as const
    await queueMail(dependencies, work, { content, secretId })
    // It vouches for all that wait before it.
    await work.db
      .updateTable('audit_deliveries')
      .set({ delivered_at: dependencies.clock.now(), problem: null })
      .where('checkpoint_id', '<=', id)
      .where('delivered_at', 'is', null)
      .execute()
  })

export const createAnchors = (dependencies: AnchorDependencies): Anchors => {
  const { db, clock, random, settings } = dependencies
  const { auditAnchor: anchor } = settings
  const enough = new AbortController()
  let delivering: Promise<void> | undefined

  const send = async (to: AuditAnchor, id: number, checkpoint: Checkpoint): Promise<void> => {
    const line = JSON.stringify(checkpoint)
    if (to.kind === 'mailto') return mailCheckpoint(dependencies, to.address, id, line)
    if (to.kind === 'file') await appendLine(to.path, line)
    // Who runs the server says where: a collector in the own network is as good as any.
    else
      await postJson(new URL(to.url), line, {
        resolve: resolveName,
        allowsPrivate: true,
        signal: enough.signal,
      })
    await note(db, id).set({ delivered_at: clock.now(), problem: null }).execute()
  }

  const fail = async ({ checkpoint_id, attempts }: Due, error: unknown, log: AnchorLog): Promise<void> => {
    const problem = error instanceof Error ? error.message : String(error)
    const pause = backOff(random, Math.min(mostAttempts, attempts + 1))
    await note(db, checkpoint_id)
      .set({ problem, due_at: clock.now() + pause })
      .execute()
    log.warn({ checkpoint: checkpoint_id, problem }, 'a checkpoint could not be delivered; it is tried again')
  }

  /** False where nothing is due. */
  const deliverOne = async (to: AuditAnchor, log: AnchorLog): Promise<boolean> => {
    const now = clock.now()
    if (to.kind === 'mailto' && now - (await findLastMail(db)) < mailInterval) return false
    const due = await findDue(db, now, to.kind === 'mailto' ? 'desc' : 'asc')
    if (due === undefined || !(await claim(db, due, now))) return false
    try {
      const checkpoint = await readCheckpoint(db, due.checkpoint_id)
      if (checkpoint === undefined)
        await db.deleteFrom('audit_deliveries').where('checkpoint_id', '=', due.checkpoint_id).execute()
      else await send(to, due.checkpoint_id, checkpoint)
      return true
    } catch (error) {
      await fail(due, error, log)
      return false
    }
  }

  const deliverAll = async (to: AuditAnchor, log: AnchorLog): Promise<void> => {
    while (!enough.signal.aborted && (await deliverOne(to, log)));
  }

  return {
    queue: async (work, id) => {
      if (anchor === undefined) return
      await work.db
        .insertInto('audit_deliveries')
        .values({ checkpoint_id: id, attempts: 0, due_at: clock.now(), problem: null, delivered_at: null })
        .execute()
    },
    deliver: log => {
      if (anchor === undefined) return Promise.resolve()
      delivering ??= deliverAll(anchor, log)
        .catch(error => log.warn({ err: error }, 'checkpoints could not be delivered'))
        .finally(() => {
          delivering = undefined
        })
      return delivering
    },
    stop: async () => {
      await waitAtMost(longestStop, delivering)
      enough.abort()
    },
  }
}

import { day, minute } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import { backOff, mostAttempts } from '../hooks/queue.ts'
import type { Database, MailRow } from '../storage/tables.ts'

/** How long a taken mail is its taker's, unless it is held on to; then another takes it, for the taker may be dead. */
export const mailLease = minute
/** How long it stays that a mail was sent; its content is erased at once. */
const sentKeptFor = 7 * day
/** How long a mail that was given up can be tried again. */
const givenUpKeptFor = 30 * day
/** More rows are looked at than taken, because other processes take from the same end. */
const lookedAt = 16

type Due = Pick<MailRow, 'id' | 'attempts' | 'due_at'>

const listDue = (db: Database, now: number): Promise<readonly Due[]> =>
  db
    .selectFrom('mails')
    .select(['id', 'attempts', 'due_at'])
    .where('forgotten_at', 'is', null)
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .limit(lookedAt)
    .execute()

/** A compare-and-set: of several processes that saw the mail as due, one gets it. */
const claim = (db: Database, { id, attempts, due_at }: Due, now: number): Promise<MailRow | undefined> =>
  db
    .updateTable('mails')
    .set({ attempts: attempts + 1, due_at: now + mailLease })
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .where('due_at', '=', due_at)
    .where('forgotten_at', 'is', null)
    .returningAll()
    .executeTakeFirst()

/** Takes a mail that is due, for the length of a lease. */
export const claimMail = async (db: Database, now: number): Promise<MailRow | undefined> => {
  for (const due of await listDue(db, now)) {
    const won = await claim(db, due, now)
    if (won !== undefined) return won
  }
  return undefined
}

type Taken = Pick<MailRow, 'id' | 'attempts'>

/** The mail, as long as it is still its taker's. */
const updateTaken = (db: Database, { id, attempts }: Taken) =>
  db
    .updateTable('mails')
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .where('forgotten_at', 'is', null)

/** Lengthens the lease. @returns false where somebody else has the mail by now */
export const holdOn = async (db: Database, taken: Taken, now: number): Promise<boolean> => {
  const { numUpdatedRows } = await updateTaken(db, taken)
    .set({ due_at: now + mailLease })
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** What the queue has found out about a mail that was asked for: every further attempt sends the same. */
export const keepContent = async (
  db: Database,
  taken: Taken,
  found: Pick<MailRow, 'content' | 'user_id'>,
): Promise<boolean> => {
  const { numUpdatedRows } = await updateTaken(db, taken).set(found).executeTakeFirst()
  return numUpdatedRows === 1n
}

/** It was sent, or there was nothing to send: what it says is erased. */
export const noteDone = async (
  db: Database,
  { id }: Taken,
  { now, wasSent }: { readonly now: number; readonly wasSent: boolean },
): Promise<void> => {
  const sent_at = wasSent ? now : null
  const done = { content: '', problem: null, sent_at, given_up_at: null, forgotten_at: now + sentKeptFor }
  // Whoever has it now: it was taken by the server, and must not be sent again.
  await db.updateTable('mails').set(done).where('id', '=', id).execute()
}

/** Another attempt later, with more time between each; after the last one, none. */
export const noteFailure = async (
  db: Database,
  taken: Taken,
  failure: {
    readonly problem: string
    readonly isPermanent: boolean
    readonly now: number
    readonly random: Random
  },
): Promise<'given up' | 'tried again'> => {
  const { problem, isPermanent, now, random } = failure
  const isOver = isPermanent || taken.attempts >= mostAttempts
  const later = isOver
    ? { given_up_at: now, forgotten_at: now + givenUpKeptFor }
    : { due_at: now + backOff(random, taken.attempts) }
  await updateTaken(db, taken)
    .set({ problem, ...later })
    .execute()
  return isOver ? 'given up' : 'tried again'
}

const selectGivenUp = (db: Database) => db.selectFrom('mails').where('given_up_at', 'is not', null)

export type GivenUp = Pick<MailRow, 'id' | 'kind' | 'problem' | 'created_at' | 'given_up_at'>

/** Mail that was given up, newest first. */
export const listGivenUp = (db: Database, most: number): Promise<readonly GivenUp[]> =>
  selectGivenUp(db)
    .select(['id', 'kind', 'problem', 'created_at', 'given_up_at'])
    .orderBy('given_up_at', 'desc')
    .limit(most)
    .execute()

/** Gives mail that was given up new attempts: all of it, or one. @returns how many there were */
export const tryAgain = async (db: Database, now: number, id?: string): Promise<number> => {
  const { numUpdatedRows } = await db
    .updateTable('mails')
    .set({ attempts: 0, due_at: now, given_up_at: null, forgotten_at: null })
    .where('given_up_at', 'is not', null)
    .$if(id !== undefined, query => query.where('id', '=', id ?? ''))
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

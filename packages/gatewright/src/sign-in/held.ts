import type { Origin } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { day, timeAsSet } from '../ground/clock.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import type { Processes } from '../processes/processes.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { toLocale } from '../users/locale.ts'
import { lockAndGetUser } from '../users/users.ts'
import type { ThrottleDependencies } from './throttle.ts'
import { furthestTimes, throttleRuleOf } from './throttle-rule.ts'

type HeldDependencies = ThrottleDependencies &
  MailDependencies & { readonly db: Database; readonly processes: Pick<Processes, 'secretInForce'> }

/** A hold is not forgotten after a day of peace: it ends with its owner. */
const holdKeptFor = 400 * day
/** So many times as many as are free: 100 wrong ones in a row. */
const stoppedAfter = 10
/** The owner is told, with a new link, so often at most. */
const toldEvery = day

const isVerified = (user: UserRow | undefined): boolean =>
  user !== undefined && user.email !== null && user.email_verified_at !== null

/** By a link to the verified address, or a passkey. The same query for a name that nobody has. */
const canProve = async ({ db, mail }: HeldDependencies, user: UserRow | undefined): Promise<boolean> => {
  const passkey = await db
    .selectFrom('passkeys')
    .select('id')
    .where('user_id', '=', user?.id ?? '')
    .limit(1)
    .executeTakeFirst()
  return passkey !== undefined || (mail.isOn && isVerified(user))
}

/**
 * Whether devices that are not known are held: as many wrong ones in a row as are free, at a user who can be proved
 * in another way. Then no password, and no code of this kind of factor, is looked at from such a device, however long
 * it waits, until its owner signs in from a known device or with a passkey, follows a link by mail, or resets the
 * password. Whoever can prove nothing has the growing delay instead.
 *
 * @param counted the counter of the user's password or factor, or of a name that nobody has
 */
export const isHeld = async (
  dependencies: HeldDependencies,
  user: UserRow | undefined,
  counted: string,
): Promise<boolean> => {
  const { db, clock, settings } = dependencies
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return false
  const row = await db
    .selectFrom('sign_in_throttles')
    .select(['wrong', 'open_at', 'tat'])
    .where('key', '=', counted)
    .executeTakeFirst()
  if (row === undefined || row.wrong < rule.free) return false
  const furthest = furthestTimes(rule, timeAsSet(clock))
  if (row.open_at > furthest.open_at || row.tat > furthest.tat) return false
  return canProve(dependencies, user)
}

/**
 * Whether a kind of factor is not looked at beside a link any more, and makes that last. A reset is not held, for its
 * link is the proof that the hold asks for; but whoever reads the mail must not go on for ever either.
 */
export const isStopped = async (
  { db, clock, settings }: ThrottleDependencies,
  counted: string,
): Promise<boolean> => {
  const rule = throttleRuleOf(settings)
  if (rule === undefined) return false
  const { numUpdatedRows } = await db
    .updateTable('sign_in_throttles')
    .set({ forgotten_at: clock.now() + holdKeptFor })
    .where('key', '=', counted)
    .where('wrong', '>=', rule.free * stoppedAfter)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

const wasTold = async (
  { db, clock }: Pick<HeldDependencies, 'db' | 'clock'>,
  userId: string,
): Promise<boolean> => {
  const told = await db
    .selectFrom('mails')
    .select('id')
    .where('user_id', '=', userId)
    .where('kind', '=', 'sign-in-held')
    .where('created_at', '>', clock.now() - toldEvery)
    .executeTakeFirst()
  return told !== undefined
}

type Hold = { readonly counted: string; readonly origin: Origin }

/** Tells the owner of a hold, with the link by which another browser is let in; and makes it last. */
export const tellOfHold = async (
  dependencies: HeldDependencies,
  { id: userId }: Pick<UserRow, 'id'>,
  { counted, origin: { address } }: Hold,
): Promise<void> => {
  const { db, clock, mail, processes } = dependencies
  if (!mail.isOn || (await wasTold(dependencies, userId))) return
  await inTransaction(db, async work => {
    const secretId = await processes.secretInForce(work)
    const user = await lockAndGetUser(work, userId)
    if (user === undefined || user.email === null || !isVerified(user)) return
    // Of many who come here at once the first has told it.
    if (await wasTold({ db: work.db, clock }, userId)) return
    const { email, username, version, locale } = user
    const owner = { id: userId, version }
    const made = await makeCode(dependencies, work, { purpose: 'prove-email', user: owner, data: { email } })
    if (made === undefined) return
    const content = {
      letter: 'sign-in-held',
      to: email,
      locale: toLocale(locale),
      values: { username, ...(address !== null && { address }) },
      links: { prove: made.secret },
    } as const
    await queueMail(dependencies, work, { content, userId, secretId })
    await work.db
      .updateTable('sign_in_throttles')
      .set({ forgotten_at: clock.now() + holdKeptFor })
      .where('key', '=', counted)
      .execute()
  })
}

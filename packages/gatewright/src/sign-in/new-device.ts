import type { Origin } from '../audit/record.ts'
import { day } from '../ground/clock.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { SessionRow, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

type Arrived = {
  readonly user: UserRow
  readonly session: Pick<SessionRow, 'id' | 'device' | 'address'>
  readonly origin: Origin
  readonly secretId: string
}

/** After it even a first sign-in is told: sessions of before may be there no longer, and a thief wait for that. */
const beginning = day

/**
 * A program without cookies is known by what it says and where it is. Of an account that was just made the first
 * sign-in is no news.
 */
const isNew = async (
  { clock }: Pick<MailDependencies, 'clock'>,
  { db }: Work,
  { user, session }: Arrived,
): Promise<boolean> => {
  const earlier = db
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', user.id)
    .where('id', '!=', session.id)
  const same = await earlier
    .where('device', '=', session.device)
    .where('address', '=', session.address)
    .limit(1)
    .executeTakeFirst()
  if (same !== undefined) return false
  return (
    user.created_at + beginning <= clock.now() || (await earlier.limit(1).executeTakeFirst()) !== undefined
  )
}

/** Tells the owner of a sign-in in a browser that is not known, or by a program that was never seen there. */
export const tellOfNewDevice = async (
  dependencies: MailDependencies,
  work: Work,
  arrived: Arrived,
): Promise<void> => {
  const { user, session, origin, secretId } = arrived
  if (!dependencies.mail.isOn || user.email_verified_at === null) return
  if (!(await isNew(dependencies, work, arrived))) return
  const values = session.device === '' ? {} : { device: session.device }
  await tellOwner(dependencies, work, { userId: user.id, notice: 'new-device', origin, values, secretId })
}

import { type Clock, day } from '../ground/clock.ts'
import type { SessionRow, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

/** After it even a first sign-in is told: sessions of before may be there no longer, and a thief wait for that. */
const beginning = day

/**
 * Whether somebody signs in by what was never seen there. A program without cookies is known by what it says and
 * where it is. Of an account that was just made the first sign-in is no news.
 */
export const isNewDevice = async (
  { clock }: { readonly clock: Clock },
  { db }: Work,
  {
    user,
    session,
  }: { readonly user: UserRow; readonly session: Pick<SessionRow, 'id' | 'device' | 'address'> },
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

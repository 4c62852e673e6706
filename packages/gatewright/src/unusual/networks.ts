import { addressNetwork, parseAddress } from '../ground/address.ts'
import type { Clock } from '../ground/clock.ts'
import type { Work } from '../storage/transaction.ts'
import { networksKnownFor } from './patterns.ts'

/** IPv4 /24, IPv6 /48: what an office or a household keeps while its addresses change. */
export const networkOf = (text: string): string => {
  const address = parseAddress(text)
  if (address === undefined) return text
  return addressNetwork(address) ?? `${address.split('.').slice(0, 3).join('.')}.0/24`
}

const pattern = 'administrator-from-new-network'

/**
 * Remembers the network of an administrator who signs in, in the transaction that holds the user's row.
 * @returns whether it is another one than those that were known; of the first one nothing is known
 */
export const rememberNetwork = async (
  { clock }: { readonly clock: Clock },
  { db }: Work,
  { userId: subject, address }: { readonly userId: string; readonly address: string },
): Promise<boolean> => {
  const [now, mark] = [clock.now(), networkOf(address)]
  const known = db
    .selectFrom('sign_in_marks')
    .select('mark')
    .where('subject', '=', subject)
    .where('pattern', '=', pattern)
    .where('forgotten_at', '>', now)
    .limit(1)
  const isKnown = (await known.where('mark', '=', mark).executeTakeFirst()) !== undefined
  const isNew = !isKnown && (await known.executeTakeFirst()) !== undefined
  const forgotten_at = now + networksKnownFor
  await db
    .insertInto('sign_in_marks')
    .values({ subject, pattern, mark, count: 1, forgotten_at })
    .onConflict(conflict => conflict.columns(['subject', 'pattern', 'mark']).doUpdateSet({ forgotten_at }))
    .execute()
  return isNew
}

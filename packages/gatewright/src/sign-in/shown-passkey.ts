import { type Origin, recordEvent } from '../audit/record.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import { type FoundPasskey, findPasskey, noteUse } from '../passkeys/passkeys.ts'
import { relyingPartyOf } from '../passkeys/relying-party.ts'
import type { AssertionResponse } from '../passkeys/responses.ts'
import { type Fault, type Use, verifyAssertion } from '../passkeys/verify-response.ts'
import type { Database, PasskeyRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

export type PasskeyDependencies = MailDependencies & {
  readonly db: Database
  readonly publicUrl: string
  readonly settings: { readonly appName: string }
}

/** An answer to a challenge, by whoever it may be, or by the one user who was asked. */
export type ShownPasskey = {
  readonly response: AssertionResponse
  readonly challenge: string
  readonly userId?: string
}

/** Why a passkey is refused, for the audit log. */
export type PasskeyFault =
  | Fault
  | 'passkey_unknown'
  | 'passkey_of_another'
  | 'passkey_cloned'
  | 'passkey_gone'

/** One that has signed what it was asked. */
export type GoodPasskey = { readonly passkey: FoundPasskey; readonly use: Use }

/** What was found out by the rows as they were then; a fault names the user whose passkey it would have been. */
export type JudgedPasskey = GoodPasskey | { readonly fault: PasskeyFault; readonly userId?: string }

/**
 * Judges what does not change: whose passkey it is, and whether it has signed this. Before a transaction,
 * which would wait for the signature; {@link usePasskey} judges the rest inside.
 * @throws Refusal `conflict` where PUBLIC_URL names an IP address
 */
export const judgePasskey = async (
  dependencies: PasskeyDependencies,
  { response, challenge, userId }: ShownPasskey,
): Promise<JudgedPasskey> => {
  const party = relyingPartyOf(dependencies)
  const passkey = await findPasskey(dependencies.db, response.id)
  const known = userId !== undefined && { userId }
  if (passkey === undefined) return { fault: 'passkey_unknown', ...known }
  if (known && passkey.user_id !== userId) return { fault: 'passkey_of_another', ...known }
  const use = await verifyAssertion({ party, challenge }, response, {
    passkey,
    isUserKnown: userId !== undefined,
  })
  return typeof use === 'string' ? { fault: use, userId: passkey.user_id } : { passkey, use }
}

/** From where it is shown, and the secret in force, asked for before the user's row was locked. */
export type PasskeyPlace = { readonly origin: Origin; readonly secretId: string }

const tellOfClone = async (
  dependencies: PasskeyDependencies,
  work: Work,
  { id, user_id: userId }: PasskeyRow,
  { origin, secretId }: PasskeyPlace,
): Promise<void> => {
  await recordEvent(dependencies, work, 'passkey.cloned', { origin, userId, details: { passkey: id } })
  const notice = { userId, notice: 'passkey-cloned', origin, secretId } as const
  await tellOwner(dependencies, work, notice)
}

/**
 * Uses a passkey that was judged good, in a transaction that holds its user's row: what it says of itself may
 * have changed since. One that shows itself to be a clone is marked, and its owner told.
 * @returns what is wrong with it, for the audit log; undefined where nothing is
 */
export const usePasskey = async (
  dependencies: PasskeyDependencies,
  work: Work,
  judged: GoodPasskey,
  place: PasskeyPlace,
): Promise<PasskeyFault | undefined> => {
  const noted = await noteUse(dependencies, work, judged.passkey, judged.use)
  if (noted === 'used') return undefined
  if (noted === 'cloned') await tellOfClone(dependencies, work, judged.passkey, place)
  return `passkey_${noted}`
}

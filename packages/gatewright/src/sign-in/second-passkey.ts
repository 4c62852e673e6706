import { type Origin, recordEvent } from '../audit/record.ts'
import { findCode } from '../codes/codes.ts'
import { sha256 } from '../ground/encoding.ts'
import { Refusal } from '../ground/refusal.ts'
import { type RequestOptions, toRequestOptions } from '../passkeys/options.ts'
import { listGoodPasskeys } from '../passkeys/passkeys.ts'
import { relyingPartyOf } from '../passkeys/relying-party.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { PasskeyDependencies } from './shown-passkey.ts'

/**
 * What a passkey answers as the second half of a sign-in: made of what the first half gave, which is 256 random
 * bits, has its own time and attempts, and is taken once. Nothing else is stored.
 */
export const challengeOfHalf = (mfaToken: string): string => sha256(`second factor by passkey\n${mfaToken}`)

/**
 * The user's passkeys to choose from: whoever asks has shown the password.
 * @throws Refusal `invalid_mfa_code` for a first half that is not open; `conflict` where PUBLIC_URL names an
 *   IP address
 */
export const askForSecondPasskey = async (
  dependencies: PasskeyDependencies,
  { mfaToken, origin }: { readonly mfaToken: string; readonly origin: Origin },
): Promise<RequestOptions> => {
  const party = relyingPartyOf(dependencies)
  const half = await findCode(dependencies, { purpose: 'second-factor', secret: mfaToken })
  if (half === undefined || half.user_id === null)
    return inTransaction<never>(dependencies.db, async work => {
      const reason = 'challenge_over'
      const details = { method: 'passkey' }
      await recordEvent(dependencies, work, 'second-factor.failed', { origin, reason, details })
      return new Refusal('invalid_mfa_code', { reason, hasEvent: true, members: { attempts_left: 0 } })
    })
  const known = await listGoodPasskeys(dependencies.db, half.user_id)
  return toRequestOptions(party, { challenge: challengeOfHalf(mfaToken), known })
}

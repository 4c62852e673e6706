import { type Origin, recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Work } from '../storage/transaction.ts'
import { keyKnownFor } from './known-keys.ts'

/** Why a key has ended, as its row and its audit event say it. */
export type KeyEndReason =
  | 'revoked'
  | 'expired'
  | 'rotated'
  | 'password_reset'
  | 'email_change_undone'
  | 'denied_by_owner'
  | 'user_disabled'
  | 'user_deleted'
  | 'cut_off_written_back'
  | 'restored'

type Choice = { readonly userId: string; readonly only?: readonly string[] }

/**
 * Ends all keys of a user or service, or those named, and puts a cut-off for each into the feed. Their owner's row is
 * locked already.
 * @returns the names of those that ended, oldest first
 */
export const endApiKeys = async (
  dependencies: { readonly clock: Clock; readonly revocations: Pick<Revocations, 'apply'> },
  work: Work,
  { userId, only }: Choice,
  { reason, origin }: { readonly reason: KeyEndReason; readonly origin: Origin },
): Promise<readonly string[]> => {
  if (only?.length === 0) return []
  const now = dependencies.clock.now()
  const ended = await work.db
    .updateTable('api_keys')
    .set({ ended_at: now, end_reason: reason })
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .$if(only !== undefined, query => query.where('id', 'in', only ?? []))
    .returning(['id', 'name', 'created_at'])
    .execute()
  const keys = ended.sort((a, b) => a.created_at - b.created_at)
  await recordCutOffs(
    dependencies,
    work,
    keys.map(({ id }) => ({ kind: 'api-key', subject: id, promisedUntil: now + keyKnownFor })),
  )
  for (const { id, name } of keys)
    await recordEvent(dependencies, work, 'api-key.ended', {
      origin,
      userId,
      reason,
      details: { key: id, name },
    })
  return keys.map(({ name }) => name)
}

import { type Origin, recordEvent } from '../audit/record.ts'
import type { HeldThen } from '../backups/revocations-file.ts'
import { newId } from '../ground/random.ts'
import { turnRingWith } from '../keys/turn-ring.ts'
import { retireAuditKey } from '../sealing/audit-keys.ts'
import { readHead } from '../sealing/seal-events.ts'
import { noteIdentity } from '../storage/identity.ts'
import type { Work } from '../storage/transaction.ts'
import { endEverySession } from './end-all-sessions.ts'
import { endAllKeys, mostNeeded, type RevokeDependencies } from './signing-keys.ts'
import { type Taken, takeBack } from './take-back.ts'
import type { TakeBackDependencies } from './taking.ts'

export type Adoption = {
  readonly sessions: number
  readonly apiKeys: number
  readonly keys: number
  /** What was taken from somebody since the backup, and was taken again. */
  readonly taken?: Taken
}

/** One that was revoked since the backup was made is live again in it. */
const endEveryKey = async ({ clock }: RevokeDependencies, { db }: Work): Promise<number> => {
  const { numUpdatedRows } = await db
    .updateTable('api_keys')
    .set({ ended_at: clock.now(), end_reason: 'restored' })
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/**
 * Takes a database as the one to go on with that is not the one that it was: a backup, or a copy on another
 * server. What ended since it was made is not known, so everything ends: every session, every API key, everything that
 * the signing keys of the backup have signed, the open set-up link, every code and link, every known device. New keys
 * sign, also the checkpoints of the audit log, whose chain goes on from where the backup has it; and a new epoch tells
 * every process that follows the feed.
 *
 * All sessions end with one statement, and all API keys with one, without a cut-off or an audit event for each: access
 * tokens end with the keys that signed them, whoever meets another epoch forgets what it knows of API keys, and one
 * event tells of all.
 *
 * @param file of a SQLite database; undefined on PostgreSQL
 * @param later what was held at a later moment: whoever had lost something by then loses it again, and the API keys that
 *   were live go on
 */
export const adoptDatabase = async (
  dependencies: RevokeDependencies & TakeBackDependencies,
  {
    origin,
    file,
    later,
  }: { readonly origin: Origin; readonly file: string | undefined; readonly later?: HeldThen | undefined },
): Promise<Adoption> => {
  const adoption = await turnRingWith(dependencies, {
    spares: mostNeeded,
    origin,
    first: async work => {
      const sessions = await endEverySession(dependencies, work, 'restored')
      const keys = await endAllKeys(dependencies, work, origin)
      await work.db.deleteFrom('setup_links').execute()
      await work.db.deleteFrom('known_devices').execute()
      await work.db.deleteFrom('codes').execute()
      const taken = later && (await takeBack(dependencies, work, later, origin))
      const apiKeys = taken ? taken.api_keys_ended : await endEveryKey(dependencies, work)
      await work.db
        .updateTable('installation')
        .set({ epoch: newId(dependencies.random), identity: null, timeline: null })
        .where('id', '=', 1)
        .execute()
      await retireAuditKey(dependencies, work)
      // What was sealed behind it elsewhere is what the restore has lost.
      const { position: sealed_to } = await readHead(work.db)
      const details = { sessions, api_keys: apiKeys, signing_keys: keys, sealed_to }
      await recordEvent(dependencies, work, 'database.adopted', { origin, details })
      return { sessions, apiKeys, keys, ...(taken && { taken }) }
    },
  })
  await noteIdentity(dependencies.db, file)
  return adoption
}

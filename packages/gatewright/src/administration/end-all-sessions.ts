import { sql } from 'kysely'
import { type Origin, recordEvent } from '../audit/record.ts'
import type { Purpose } from '../codes/purposes.ts'
import type { Clock } from '../ground/clock.ts'
import type { EndReason } from '../ground/end-reasons.ts'
import { turnRingWith } from '../keys/turn-ring.ts'
import { isSqlite } from '../storage/columns.ts'
import type { Work } from '../storage/transaction.ts'
import { endAllKeys, mostNeeded, type RevokeDependencies } from './signing-keys.ts'

/** Who is about to begin or renew a session has committed by then, and whoever comes waits. SQLite has one writer. */
const holdSessions = async ({ db }: Work): Promise<void> => {
  if (!isSqlite(db)) await sql`lock table sessions in share row exclusive mode`.execute(db)
}

/**
 * Ends every session that is live, with one statement. Access tokens end with the keys that signed them: whoever calls
 * this ends those as well ({@link endAllKeys}).
 */
export const endEverySession = async (
  { clock }: { readonly clock: Clock },
  work: Work,
  reason: EndReason,
): Promise<number> => {
  const { db } = work
  await holdSessions(work)
  const { numUpdatedRows } = await db
    .updateTable('sessions')
    .set({ ended_at: clock.now(), end_reason: reason })
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** Whoever has shown a password has none of what comes behind it. */
const begunSignIns: readonly Purpose[] = ['second-factor', 'passkey-sign-in']

/**
 * Signs everybody out: every session ends, with every sign-in that waits for its second half and all known devices, and
 * every signing key is replaced, so that no access token is good any more, here or at a verifier elsewhere. API keys go
 * on, links in mails do, and so do tokens of other issuers.
 *
 * No event stands for each session, and none of them has a cut-off: one event tells of all.
 */
export const endAllSessions = async (
  dependencies: RevokeDependencies,
  origin: Origin,
): Promise<{ readonly sessions: number; readonly keys: number }> =>
  turnRingWith(dependencies, {
    spares: mostNeeded,
    origin,
    first: async work => {
      const sessions = await endEverySession(dependencies, work, 'ended_by_administrator')
      const keys = await endAllKeys(dependencies, work, origin)
      await work.db.deleteFrom('known_devices').execute()
      await work.db.deleteFrom('codes').where('purpose', 'in', begunSignIns).execute()
      await recordEvent(dependencies, work, 'session.all-ended', {
        origin,
        details: { sessions, signing_keys: keys },
      })
      return { sessions, keys }
    },
  })

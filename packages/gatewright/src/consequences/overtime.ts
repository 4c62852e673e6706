import type { Origin } from '../audit/record.ts'
import { endedByTime, timesOf } from '../sessions/session-times.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Work } from '../storage/transaction.ts'
import { applyConsequences } from './apply.ts'

type Subject = { readonly userId: string; readonly sessionId: string; readonly origin: Origin }

const events = { idle: 'session idle', expired: 'session expired' } as const

/**
 * Ends a session that the clock has ended, with the trace that tells its owner why.
 * @returns how many: none where it has ended meanwhile
 */
export const endOvertime = async (
  dependencies: SessionDependencies,
  work: Work,
  reason: keyof typeof events,
  subject: Subject,
): Promise<number> => (await applyConsequences(dependencies, work, events[reason], subject)).ended

/**
 * Ends the sessions that are over by the times of these roles, in the transaction that gives them and holds
 * the user's row; and those with an access token that would outlive its session. Shorter times then hold
 * for what was promised by longer ones.
 */
export const endOverlong = async (
  dependencies: SessionDependencies,
  work: Work,
  { userId, roles, origin }: Omit<Subject, 'sessionId'> & { readonly roles: readonly string[] },
): Promise<void> => {
  const { clock, uses } = dependencies
  const times = timesOf(dependencies, roles)
  const rows = await work.db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .execute()
  for (const row of rows) {
    const lastMoment = Math.max(clock.now(), row.token_expires_at - 1)
    const reason = endedByTime(uses.withLastUse(row), lastMoment, times)
    if (reason !== undefined)
      await endOvertime(dependencies, work, reason, { userId, sessionId: row.id, origin })
  }
}

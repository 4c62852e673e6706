import type { AuditEventName } from '../audit/events.ts'
import { isIndexedEvent } from '../audit/indexed-events.ts'
import { day, toTimestamp } from '../ground/clock.ts'
import { beingRestored } from '../storage/identity.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, problem } from './finding.ts'

/** Only a database that has forgotten a rotation meets a token that is newer than what it knows. */
export const wentBackEvent = 'refresh-token.ahead' satisfies AuditEventName

/** What such an event means, and what to do, in one line each. */
export const wentBack = {
  means:
    'The database is an older state of itself (a backup, a snapshot, a copy that took over, a commit that a crash took away), or somebody changed its sessions. Sign-outs, changed passwords, taken roles and disabled users since then are undone.',
  do: 'Find out what put that state there, and do again what it has undone: docs/troubleshooting.md, "The database went back".',
} as const

/** So long doctor tells of it. */
const toldFor = 7 * day
const days = `${toldFor / day} days`

/** Whether a session has shown in the last days that the database went back. */
export const checkWentBack = async ({ db, clock }: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding> => {
  const row = await db
    .selectFrom('audit_events')
    .select(({ fn }) => [fn.countAll().as('count'), fn.max('at').as('latest')])
    .where('event', '=', wentBackEvent)
    .where(isIndexedEvent)
    .where('at', '>', clock.now() - toldFor)
    .executeTakeFirst()
  const installation = await db.selectFrom('installation').select('identity').executeTakeFirst()
  if (installation?.identity === beingRestored)
    return problem({
      found: 'a restore was broken off before it was finished',
      means: 'No server starts: whatever ended since the backup is live in it.',
      do: 'Do it again: gatewright restore --from <file> --erase-what-stands-there. docs/runbooks.md, "Restore".',
    })
  const latest = row?.latest ?? null
  if (latest === null) return ok(`no sign in ${days} that it went back`)
  return problem({
    found: `refresh tokens newer than the database were shown: ${row?.count} in ${days}, the last one at ${toTimestamp(latest)}`,
    ...wentBack,
  })
}

import { holdAdministrator } from '../administration/hold-administrator.ts'
import { isIndexedEvent } from '../audit/indexed-events.ts'
import { selectEvents, toRecorded } from '../audit/read-events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { listUsersById } from '../users/users.ts'
import { type Review, type ReviewDependencies, reviewAccess } from './review.ts'

/** What somebody says to have seen, and what they have to say of it. */
export type Signing = {
  readonly digest: string
  /** Days, as in the review that was seen. */
  readonly unusedFor: number
  readonly comment?: string | undefined
}

/** A review that was signed off, as the audit event has it. */
export type SignOff = {
  readonly at: number
  /** Null where that user is gone; the command line has a name and no id. */
  readonly by: { readonly id: string | null; readonly name: string } | null
  readonly digest: string
  readonly unusedFor: number
  readonly findings: number
  readonly isComplete: boolean
  /** Null where there is none, or where it was erased. */
  readonly comment: string | null
}

const changed = (): Refusal =>
  new Refusal('conflict', {
    reason: 'review_changed',
    detail:
      'What there is to review is no longer what was seen: somebody changed or used something since, or another day has begun. Look at it again, and sign that.',
  })

const toDetails = ({ digest, unusedFor, findings, isComplete }: Review) => ({
  digest,
  unused_for: unusedFor,
  findings: findings.length,
  complete: isComplete,
})

/**
 * Signs off a review, as an audit event and nothing else. Whoever signs says that all is as it should be: so it
 * takes the permission to see it, and the one to change it, which nobody has who only reads.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `conflict` where there is something else to review by now; and as {@link holdAdministrator}
 */
export const signOff = async (
  dependencies: ReviewDependencies & Granting,
  { digest, unusedFor, comment = '' }: Signing,
  origin: Origin,
  caller?: Caller,
): Promise<SignOff> => {
  const review = await reviewAccess(dependencies, unusedFor)
  if (review.digest !== digest) throw changed()
  const said = comment.trim()
  await inTransaction(dependencies.db, async work => {
    await holdAdministrator(dependencies, work, caller, { needed: ['audit:read', 'users:write'] })
    const details = { ...toDetails(review), ...(said !== '' && { comment: said }) }
    await recordEvent(dependencies, work, 'access-review.signed-off', { origin, details })
  })
  const { isComplete, findings, at } = review
  const by = (await readSigners(dependencies.db, [origin.actor]))(origin.actor)
  return { at, by, digest, unusedFor, findings: findings.length, isComplete, comment: said || null }
}

/** Notes that somebody took the whole of it along. */
export const noteExport = (dependencies: ReviewDependencies, review: Review, origin: Origin): Promise<void> =>
  inTransaction(dependencies.db, work =>
    recordEvent(dependencies, work, 'access-review.exported', { origin, details: toDetails(review) }),
  )

/** Who they were, by what their events name them. */
const readSigners = async (
  db: Database,
  actors: readonly (string | null)[],
): Promise<(actor: string | null) => SignOff['by']> => {
  const users = await listUsersById(
    db,
    actors.filter(actor => actor !== null),
  )
  return actor => {
    if (actor === 'command-line') return { id: null, name: actor }
    const user = users.get(actor ?? '')
    return user === undefined ? null : { id: user.id, name: user.username }
  }
}

/** Those that were signed off, as long as the audit log has them: once a quarter for 25 years. */
const mostListed = 100

/** Reviews that were signed off, the newest first. */
export const listSignOffs = async (db: Database, limit = mostListed): Promise<readonly SignOff[]> => {
  const rows = await selectEvents(db)
    .where('audit_events.event', '=', 'access-review.signed-off')
    .where(isIndexedEvent)
    .orderBy('audit_events.id', 'desc')
    .limit(limit)
    .execute()
  const events = rows.map(toRecorded)
  const byOf = await readSigners(
    db,
    events.map(({ actor }) => actor),
  )
  return events.map(({ at, actor, details }) => ({
    at,
    by: byOf(actor),
    digest: String(details.digest),
    unusedFor: Number(details.unused_for),
    findings: Number(details.findings),
    isComplete: details.complete === true,
    comment: typeof details.comment === 'string' ? details.comment : null,
  }))
}

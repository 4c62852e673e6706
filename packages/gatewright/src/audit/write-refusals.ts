import type { Database } from '../storage/tables.ts'
import { auditEvents } from './events.ts'
import { toNewEvent } from './new-event.ts'
import type { CountedRefusals } from './refusal-counts.ts'
import { writeEvents } from './write-events.ts'

/** All that a request could say without asking the database why its session has ended. */
const vague: ReadonlySet<string> = new Set(['cut_off', 'ended', 'session_ended'])

const isVague = ({ kind: { reason } }: CountedRefusals): boolean => vague.has(reason)

/** Why sessions ended, by their ids. */
const findEndReasons = async (db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('sessions').select(['id', 'end_reason']).where('id', 'in', ids).execute()
  return new Map(
    rows.flatMap(({ id, end_reason }) => (end_reason === null ? [] : [[id, end_reason] as const])),
  )
}

/** Whoever was let in as far as that acts; what was refused itself stands for nobody. */
const actorOf = ({ event, session }: CountedRefusals['kind']): string | null =>
  event === 'access.refused' ? (session?.userId ?? null) : null

const toEvent = ({ kind, tally: { count, first, last } }: CountedRefusals, endReason: string | undefined) => {
  const { event, reason, lacks, addressGroup, session } = kind
  return toNewEvent(auditEvents, {
    at: first.at,
    event,
    origin: {
      actor: actorOf(kind),
      apiKeyId: actorOf(kind) && (session?.apiKey ?? null),
      address: addressGroup,
      requestId: first.requestId,
    },
    ...session,
    reason: endReason ?? reason,
    details: {
      count,
      last_at: last.at,
      last_request_id: last.requestId,
      ...(lacks !== undefined && { lacks }),
      ...(session?.apiKey !== undefined && { key: session.apiKey }),
    },
  })
}

/**
 * Writes a row for each kind, in one transaction. Where a request knew only that its session has ended, the
 * row says why it did, as long as the session is known.
 */
export const writeRefusals = async (db: Database, refused: readonly CountedRefusals[]): Promise<void> => {
  const asked = refused.filter(isVague).flatMap(({ kind }) => kind.session?.sessionId ?? [])
  const endReasons = await findEndReasons(db, [...new Set(asked)])
  const events = refused.map(each =>
    toEvent(each, isVague(each) ? endReasons.get(each.kind.session?.sessionId ?? '') : undefined),
  )
  await writeEvents(db, events)
}

import type { RecordedEvent } from '../audit/read-events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import { type EventFilter, searchEvents } from '../audit/search-events.ts'
import type { Clock } from '../ground/clock.ts'
import type { Granting } from '../permissions/granted.ts'
import { exportLines } from '../sealing/export-lines.ts'
import { showWith, toLine } from '../sealing/show-entry.ts'
import { type Caller, holdPermissions, holdSession } from '../sessions/hold-session.ts'
import type { Place } from '../storage/keyset.ts'
import { inTransaction } from '../storage/transaction.ts'
import { type LogDependencies, type LogFilter, toEventFilter } from './audit-log.ts'
import { holdAdministrator } from './hold-administrator.ts'

type Dependencies = LogDependencies & Granting & { readonly clock: Clock }

export type AskedExport = {
  readonly filter: LogFilter
  /** Without it addresses, names of keys and what administrators wrote stay out. */
  readonly withPersonal: boolean
}

const pageSize = 500

/** The events that are searched for, the newest first. A part of the chain can't be verified, so these lines have none. */
async function* searchedLines(dependencies: Dependencies, { filter, withPersonal }: AskedExport) {
  const found = await toEventFilter(dependencies, filter)
  let after: Place | undefined
  do {
    const { rows, next } = await searchEvents(dependencies.db, found, { limit: pageSize, after })
    for (const event of rows)
      yield JSON.stringify(toLine(withPersonal ? event : withoutPersonal(event), withPersonal))
    after = next
  } while (after !== undefined)
}

const withoutPersonal = (event: RecordedEvent): RecordedEvent => ({
  ...event,
  address: null,
  details: event.plain,
})

const isWhole = (filter: LogFilter): boolean => Object.values(filter).every(value => value === undefined)

/** A user by the id: a name would stay on the chain for ever. */
const detailsOf = ({ filter, withPersonal }: AskedExport, { userId }: EventFilter) => ({
  personal: withPersonal,
  ...(userId !== undefined && { user: userId }),
  ...(filter.event !== undefined && { event: filter.event }),
  ...(filter.from !== undefined && { from: filter.from }),
  ...(filter.until !== undefined && { until: filter.until }),
  ...(filter.address !== undefined && { of_address: filter.address }),
  ...(filter.sessionId !== undefined && { session: filter.sessionId }),
  ...(filter.requestId !== undefined && { request: filter.requestId }),
  ...(filter.reason !== undefined && { of_reason: filter.reason }),
})

/** After so many lines it is asked again whether the caller may still read. */
const askedEvery = 2_000

const holdReader = ({ db, ...granting }: Dependencies, caller: Caller): Promise<void> =>
  inTransaction(db, async work => {
    await holdSession(work, caller)
    await holdPermissions(granting, work, caller, ['audit:read'])
  })

async function* whileAllowed(
  dependencies: Dependencies,
  lines: AsyncIterable<string>,
  caller: Caller | undefined,
): AsyncGenerator<string> {
  let count = 0
  for await (const line of lines) {
    count += 1
    if (caller !== undefined && count % askedEvery === 0) await holdReader(dependencies, caller)
    yield `${line}\n`
  }
}

/**
 * The audit log as JSON Lines, page by page, however long it is; an event tells that it was taken, before the first
 * line. The whole of it is in the order of the chain and can be verified offline, with what is personal or without;
 * a part, by a filter, is the newest first. It breaks off where the caller's session ends on the way.
 * @throws Refusal `insufficient_permission`, `insufficient_user_authentication`, `session_ended`
 */
export const exportAudit = async (
  dependencies: Dependencies,
  asked: AskedExport,
  origin: Origin,
  caller?: Caller,
): Promise<AsyncGenerator<string>> => {
  const details = detailsOf(asked, await toEventFilter(dependencies, asked.filter))
  await inTransaction(dependencies.db, async work => {
    await holdAdministrator(dependencies, work, caller, { needed: ['audit:read'] })
    const session = caller && { sessionId: caller.sessionId }
    await recordEvent(dependencies, work, 'audit.exported', { origin, ...session, details })
  })
  const { filter, withPersonal } = asked
  const lines = isWhole(filter)
    ? exportLines(dependencies.db, { show: showWith(withPersonal), withPersonal })
    : searchedLines(dependencies, asked)
  return whileAllowed(dependencies, lines, caller)
}

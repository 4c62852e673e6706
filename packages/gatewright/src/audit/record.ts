import type { Clock } from '../ground/clock.ts'
import type { Work } from '../storage/transaction.ts'
import type { DetailValue } from './commitments.ts'
import type { AuditEntry, Origin } from './entry.ts'
import { noteEvents } from './event-counts.ts'
import { auditEvents, type EventTable } from './events.ts'
import { toNewEvent } from './new-event.ts'
import { writeEvent } from './write-events.ts'

export type { AuditEntry, Origin } from './entry.ts'
export type { EventTable } from './events.ts'

export const systemOrigin: Origin = { actor: 'system', address: null, requestId: null }
export const commandLineOrigin: Origin = { actor: 'command-line', address: null, requestId: null }

type FieldOf<Table extends EventTable, Name extends keyof Table> = Name extends keyof Table
  ? keyof Table[Name]['fields']
  : never

/** The facts that an event may have: those that its row in the table names, and no other. */
type Only<Details, Field extends PropertyKey> = Details &
  Readonly<Record<Exclude<keyof Details, Field>, never>>

/**
 * Writes one audit event in the transaction of what it records.
 * @throws TypeError for a fact that the table of events does not name
 */
export type RecordEvent<Table extends EventTable> = <
  Name extends keyof Table & string,
  Details extends Readonly<Record<string, DetailValue | undefined>>,
>(
  dependencies: { readonly clock: Clock },
  work: Work,
  event: Name,
  entry: AuditEntry<Only<Details, FieldOf<Table, Name>>>,
) => Promise<void>

/**
 * A writer of the events of a table. An application that has events of its own declares them in the same form as
 * the engine's, gives the table to the plugin, and writes them by this.
 *
 *     export const shopEvents = {
 *       'order.refunded': { when: 'An order was paid back.', fields: { order: 'plain' }, often: 'each' },
 *     } as const satisfies EventTable
 *     export const recordShopEvent = createRecorder(shopEvents)
 */
export const createRecorder =
  <const Table extends EventTable>(table: Table): RecordEvent<Table> =>
  async ({ clock }, work, event, entry) => {
    await writeEvent(work.db, toNewEvent(table, { at: clock.now(), event, ...(entry as AuditEntry) }))
    work.afterCommit(() => noteEvents(work.home, event))
  }

export const recordEvent = createRecorder(auditEvents)

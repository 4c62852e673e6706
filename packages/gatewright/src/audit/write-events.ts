import { isSqlite } from '../storage/columns.ts'
import { prepare } from '../storage/prepared.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { noteEvents } from './event-counts.ts'
import type { NewEvent } from './new-event.ts'

type EventRow = NewEvent['row']
type PersonalRow = NonNullable<NewEvent['personal']>
type Value<Row> = <Name extends keyof Row & string>(name: Name) => Row[Name]

const eventValues = (value: Value<EventRow>) => ({
  at: value('at'),
  event: value('event'),
  user_id: value('user_id'),
  actor: value('actor'),
  api_key_id: value('api_key_id'),
  session_id: value('session_id'),
  request_id: value('request_id'),
  reason: value('reason'),
  details: value('details'),
  commitments: value('commitments'),
})

const insertEvent = prepare<EventRow>((db, value) => db.insertInto('audit_events').values(eventValues(value)))

const insertPersonal = prepare<PersonalRow & { readonly event_id: number }>((db, value) =>
  db.insertInto('audit_personal').values({
    event_id: value('event_id'),
    at: value('at'),
    salt: value('salt'),
    address: value('address'),
    details: value('details'),
  }),
)

type Both = EventRow & { readonly salt: string; readonly address: string | null; readonly said: string }

/** PostgreSQL: both rows in one round trip. */
const insertBoth = prepare<Both>((db, value) =>
  db
    .with('written', insert =>
      insert.insertInto('audit_events').values(eventValues(value)).returning(['id', 'at']),
    )
    .insertInto('audit_personal')
    .columns(['event_id', 'at', 'salt', 'address', 'details'])
    .expression(query =>
      query
        .selectFrom('written')
        .select(({ cast, val }) => [
          'written.id',
          'written.at',
          cast<string>(val(value('salt')), 'text').as('salt'),
          cast<string | null>(val(value('address')), 'text').as('address'),
          cast<string>(val(value('said')), 'text').as('details'),
        ]),
    ),
)

/** Writes an event in the caller's transaction. */
export const writeEvent = async (db: Database, { row, personal }: NewEvent): Promise<void> => {
  if (personal !== undefined && !isSqlite(db)) {
    const { salt, address, details: said } = personal
    await insertBoth(db, { ...row, salt, address, said })
    return
  }
  const { insertedId } = await insertEvent(db, row)
  if (personal !== undefined) await insertPersonal(db, { event_id: Number(insertedId), ...personal })
}

/** Writes some hundred events at most, in a transaction of its own. */
export const writeEvents = async (db: Database, events: readonly NewEvent[]): Promise<void> => {
  if (events.length === 0) return
  await inTransaction(db, async work => {
    const written = await work.db
      .insertInto('audit_events')
      .values(events.map(({ row }) => row))
      .returning(['id', 'commitments'])
      .execute()
    // In no order that a database would promise; and no two with a salt have the same commitments.
    const ids = new Map(written.map(({ id, commitments }) => [commitments, id]))
    const rows = events.flatMap(({ row, personal }) =>
      personal === undefined ? [] : [{ event_id: Number(ids.get(row.commitments)), ...personal }],
    )
    if (rows.length > 0) await work.db.insertInto('audit_personal').values(rows).execute()
    for (const { row } of events) work.afterCommit(() => noteEvents(work.home, row.event))
  })
}

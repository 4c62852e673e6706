import { type Kysely, type SqlBool, sql } from 'kysely'
import { hmacSha256 } from '../../ground/encoding.ts'
import { newSecret, systemRandom } from '../../ground/random.ts'
import { millisecondsColumn } from '../columns.ts'
import { lastRequestOf } from '../counted-request.ts'

/** What can be erased of an event lies beside it, and the event has commitments to it. */
const addColumns = async (db: Kysely<unknown>): Promise<void> => {
  const { schema } = db
  await schema
    .alterTable('audit_events')
    .addColumn('commitments', 'text', column => column.notNull().defaultTo('{}'))
    .execute()
  await schema.alterTable('audit_events').addColumn('api_key_id', 'text').execute()
  const time = millisecondsColumn(db)
  await schema
    .createTable('audit_personal')
    .addColumn('event_id', time, column => column.primaryKey().notNull())
    .addColumn('at', time, column => column.notNull())
    .addColumn('salt', 'text', column => column.notNull())
    .addColumn('address', 'text')
    .addColumn('details', 'text', column => column.notNull())
    .execute()
}

/** Personal fields as the version before had them among the details. */
const personalFields: readonly string[] = ['name', 'allowed_addresses', 'subject']
/** Events of which the version before had somebody's words as the reason. */
const inWords: readonly string[] = ['user.disabled', 'user.password-change-forced', 'second-factors.reset']
/** Of these a `name` is a person's words. Events of an application stay as they are. */
const withPersonal = /^(?:api-key|issuer|identity)\./

type OldRow = {
  readonly id: number
  readonly at: number
  readonly event: string
  readonly address: string | null
  readonly reason: string | null
  readonly details: string
}

type Json = Record<string, unknown>

const splitRow = ({ event, reason, details }: OldRow) => {
  const isPersonal = ([field]: [string, unknown]) =>
    withPersonal.test(event) && personalFields.includes(field)
  const fields = Object.entries((JSON.parse(details) ?? {}) as Json)
  const said = inWords.includes(event) && reason !== null ? { said: reason } : {}
  return {
    plain: Object.fromEntries(fields.filter(field => !isPersonal(field))),
    personal: { ...Object.fromEntries(fields.filter(isPersonal)), ...said },
    reason: inWords.includes(event) ? null : reason,
  }
}

const commit = (salt: string, fields: Json): string => {
  const commitTo = ([field, value]: [string, unknown]) => [
    field,
    hmacSha256(
      Buffer.from(salt, 'base64url'),
      `${field}\0${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
  ]
  return JSON.stringify(Object.fromEntries(Object.entries(fields).map(commitTo)))
}

const toMoved = (row: OldRow) => {
  const { plain, personal, reason } = splitRow(row)
  const salt = newSecret(systemRandom)
  const { id, at, address } = row
  const commitments = commit(salt, { ...(address !== null && { address }), ...personal })
  return {
    event: { id, reason, details: JSON.stringify(plain), commitments },
    personal: { event_id: id, at, salt, address, details: JSON.stringify(personal) },
  }
}

type OldTables = {
  audit_events: OldRow & { readonly commitments: string }
  audit_personal: ReturnType<typeof toMoved>['personal']
}

const writeMoved = async (db: Kysely<OldTables>, moved: readonly ReturnType<typeof toMoved>[]) => {
  if (moved.length === 0) return
  await db
    .insertInto('audit_personal')
    .values(moved.map(({ personal }) => personal))
    .execute()
  const rows = moved.map(
    ({ event: { id, reason, details, commitments } }) =>
      sql`(cast(${id} as bigint), cast(${reason} as text), cast(${details} as text), cast(${commitments} as text))`,
  )
  await sql`
    with moved (id, reason, details, commitments) as (values ${sql.join(rows)})
    update audit_events
    set address = null, reason = moved.reason, details = moved.details, commitments = moved.commitments
    from moved where audit_events.id = moved.id`.execute(db)
}

const batch = 1_000

const moveRows = async (db: Kysely<OldTables>): Promise<void> => {
  for (let last = 0; ; ) {
    const rows = await db
      .selectFrom('audit_events')
      .select(['id', 'at', 'event', 'address', 'reason', 'details'])
      .where('id', '>', last)
      .orderBy('id')
      .limit(batch)
      .execute()
    await writeMoved(
      db,
      rows.map(toMoved).filter(({ event }) => event.commitments !== '{}'),
    )
    last = rows.at(-1)?.id ?? last
    if (rows.length < batch) return
  }
}

/** One for each thing that is searched for, with what the list is ordered by. */
const addIndexes = async (db: Kysely<unknown>): Promise<void> => {
  const { schema } = db
  const of = (name: string, ...columns: readonly string[]) =>
    schema
      .createIndex(name)
      .on('audit_events')
      .columns([...columns])
  for (const name of ['audit_events_by_user', 'audit_events_by_time', 'audit_events_counted'])
    await schema.dropIndex(name).execute()
  await of('audit_events_by_time', 'at', 'id').execute()
  await of('audit_events_by_user', 'user_id', 'at', 'id').execute()
  await of('audit_events_by_session', 'session_id', 'at', 'id')
    .where(sql<SqlBool>`session_id is not null`)
    .execute()
  await of('audit_events_by_request', 'request_id').where(sql<SqlBool>`request_id is not null`).execute()
  await of('audit_events_by_reason', 'reason', 'at', 'id').where(sql<SqlBool>`reason is not null`).execute()
  await sql`create index audit_events_by_last_request on audit_events (${lastRequestOf(db, 'details')})
    where ${lastRequestOf(db, 'details')} is not null`.execute(db)
  // What somebody did to another, or to nobody; one's own is found by the user.
  await of('audit_events_by_actor', 'actor', 'at', 'id')
    .where(sql<SqlBool>`actor is not null and (user_id is null or actor <> user_id)`)
    .execute()
  // Refreshes, of which there are most, cost no index more: whoever looks for them finds them everywhere.
  await of('audit_events_by_event', 'event', 'at', 'id')
    .where(sql<SqlBool>`event <> 'session.refreshed'`)
    .execute()
  await schema
    .createIndex('audit_personal_by_address')
    .on('audit_personal')
    .columns(['address', 'at', 'event_id'])
    .where(sql<SqlBool>`address is not null`)
    .execute()
}

export const up = async (db: Kysely<unknown>): Promise<void> => {
  await addColumns(db)
  await moveRows(db as Kysely<OldTables>)
  await addIndexes(db)
}

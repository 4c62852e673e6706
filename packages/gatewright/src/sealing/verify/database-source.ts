import type { Checkpoint } from '../../audit/checkpoint.ts'
import { toTimestamp } from '../../ground/clock.ts'
import type { AuditEventRow, Database } from '../../storage/tables.ts'
import { listUnsealed } from '../seal-events.ts'
import type { ChainSource, Entry } from './entry.ts'

const pageSize = 2_000
/** More without a seal are not named one by one. */
const mostUnsealed = 10_000

/** Columns written out, which SQLite reads faster than all of them. */
const readEntries = async (
  db: Database,
  { position, eventId }: Pick<Entry, 'position' | 'eventId'>,
): Promise<readonly Entry[]> => {
  const rows = await db
    .selectFrom('audit_seals as s')
    .leftJoin('audit_events as e', 'e.id', 's.event_id')
    .leftJoin('audit_personal as p', 'p.event_id', 's.event_id')
    .select([
      's.position',
      's.event_id',
      's.hash',
      's.previous_hash',
      'e.id',
      'e.at',
      'e.event',
      'e.user_id',
      'e.actor',
      'e.api_key_id',
      'e.session_id',
      'e.address',
      'e.request_id',
      'e.reason',
      'e.details',
      'e.commitments',
      'p.salt',
      'p.address as said_address',
      'p.details as said',
      'p.at as said_at',
    ])
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple('s.position', 's.event_id'), '>', tuple(position, eventId)),
    )
    .orderBy('s.position')
    .orderBy('s.event_id')
    .limit(pageSize)
    .execute()
  return rows.map(
    ({ position, event_id, hash, previous_hash, salt, said_address, said, said_at, ...row }) => ({
      position,
      eventId: event_id,
      hash,
      previousHash: previous_hash,
      // A row that the join has found has all that must not be null.
      row: row.id === null ? undefined : (row as AuditEventRow),
      personal:
        salt === null
          ? undefined
          : { salt, address: said_address, details: said ?? '{}', at: said_at ?? row.at ?? 0 },
    }),
  )
}

const readKeys = async (db: Database): Promise<ReadonlyMap<string, string>> => {
  const rows = await db.selectFrom('audit_keys').select(['id', 'public_key']).execute()
  return new Map(rows.map(({ id, public_key }) => [id, public_key]))
}

const readCheckpoints = async (
  db: Database,
  keys: ReadonlyMap<string, string>,
  [from, to]: readonly [number, number],
): Promise<readonly Checkpoint[]> => {
  const rows = await db
    .selectFrom('audit_checkpoints')
    .selectAll()
    .where('position', '>=', from)
    .where('position', '<=', to)
    .orderBy('position')
    .orderBy('id')
    .execute()
  return rows.map(({ position, hash, at, kind, key_id, signature }) => ({
    audit: 'checkpoint',
    kind: kind === 'beginning' ? kind : 'checkpoint',
    position,
    hash,
    at: toTimestamp(at),
    key: key_id,
    public_key: keys.get(key_id) ?? '',
    signature,
  }))
}

const listAllUnsealed = async (db: Database) => {
  const found: { readonly id: number; readonly at: number }[] = []
  for (let after = 0; found.length < mostUnsealed; ) {
    const rows = await listUnsealed(db, { after })
    found.push(...rows.map(({ id, at }) => ({ id, at })))
    if (rows.length === 0) break
    after = rows.at(-1)?.id ?? after
  }
  return found
}

const countEvents = async (db: Database): Promise<number> => {
  const { count } = await db
    .selectFrom('audit_events')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** The chain of a database, which may be one at work: what is sealed meanwhile is verified as well. */
export const openDatabaseSource = async (db: Database): Promise<ChainSource> => {
  const keys = await readKeys(db)
  const prunings = await db.selectFrom('audit_prunings').selectAll().orderBy('to_position').execute()
  return {
    keys,
    prunings: prunings.map(({ from_position: from, to_position: to, hash }) => ({ from, to, hash })),
    pages: async function* () {
      let last = { position: 0, eventId: 0 }
      for (;;) {
        const entries = await readEntries(db, last)
        const [first, end] = [entries[0], entries.at(-1)]
        if (first === undefined || end === undefined) return
        const checkpoints = await readCheckpoints(db, keys, [first.position, end.position])
        yield { entries, checkpoints }
        last = end
      }
    },
    checkpointsOutside: (from, to) => readCheckpoints(db, keys, [from, to]),
    // Nobody looks for what is not there: that would take as long as all the rest.
    unsealed: async seen => ((await countEvents(db)) > seen ? listAllUnsealed(db) : []),
  }
}

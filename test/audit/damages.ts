import { sql } from 'kysely'
import { hashOf } from '../../packages/gatewright/src/audit/canonical.ts'
import { signCheckpoint } from '../../packages/gatewright/src/audit/checkpoint.ts'
import { toCommitments } from '../../packages/gatewright/src/audit/commitments.ts'
import { auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import type { NewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { toNewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { hour, toTimestamp } from '../../packages/gatewright/src/ground/clock.ts'
import { openSigner } from '../../packages/gatewright/src/ground/ed25519.ts'
import type { FaultKind } from '../../packages/gatewright/src/sealing/verify/fault.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'

const recorded = ['audit_events', 'audit_seals', 'audit_checkpoints', 'audit_prunings', 'audit_keys'] as const

/** As whoever holds the database: no trigger, no key and no constraint is left. */
export const disarm = async (db: Database): Promise<void> => {
  const copyOf = (table: string) => sql.id(`${table}_copy`)
  for (const table of recorded)
    await sql`create table ${copyOf(table)} as select * from ${sql.table(table)}`.execute(db)
  for (const table of recorded) await sql`drop table ${sql.table(table)}`.execute(db)
  for (const table of recorded) await sql`alter table ${copyOf(table)} rename to ${sql.id(table)}`.execute(db)
}

const listSeals = (db: Database, from: number) =>
  db.selectFrom('audit_seals').selectAll().where('position', '>=', from).orderBy('position').execute()

const getEvent = (db: Database, id: number) =>
  db.selectFrom('audit_events').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

/** Makes the chain anew from a position on, up to another. */
const sealAnew = async (db: Database, from: number, to = Number.MAX_SAFE_INTEGER): Promise<void> => {
  const [before] = await listSeals(db, from - 1)
  let previousHash = before?.hash ?? ''
  for (const { position, event_id } of await listSeals(db, from)) {
    if (position > to) return
    const hash = hashOf({ position, previousHash }, await getEvent(db, event_id))
    await db
      .updateTable('audit_seals')
      .set({ hash, previous_hash: previousHash })
      .where('position', '=', position)
      .execute()
    previousHash = hash
  }
}

const eventAt = async (db: Database, position: number): Promise<number> =>
  (await listSeals(db, position))[0]?.event_id ?? 0

const edit = async (db: Database, position: number): Promise<void> => {
  const id = await eventAt(db, position)
  await db.updateTable('audit_events').set({ reason: 'unknown_user' }).where('id', '=', id).execute()
}

const removeEvent = async (db: Database, position: number): Promise<void> => {
  const id = await eventAt(db, position)
  await db.deleteFrom('audit_events').where('id', '=', id).execute()
}

const removeSeals = async (db: Database, from: number, to: number): Promise<void> => {
  await db.deleteFrom('audit_seals').where('position', '>=', from).where('position', '<=', to).execute()
}

const moveSeals = async (db: Database, from: number, by: number): Promise<void> => {
  await db
    .updateTable('audit_seals')
    .set(eb => ({ position: eb('position', '+', by) }))
    .where('position', '>=', from)
    .execute()
}

const insertEvent = async (db: Database, id: number): Promise<void> => {
  const { id: _, ...copied } = await getEvent(db, await eventAt(db, 3))
  await db
    .insertInto('audit_events')
    .values({ ...copied, id, commitments: '{}' } as never)
    .execute()
}

/** Puts an event, sealed, behind the end of the chain: as a server does that somebody has taken over. */
export const insertSealed = async (db: Database, { row, personal }: NewEvent): Promise<void> => {
  const id = 900_000
  await db
    .insertInto('audit_events')
    .values({ ...row, id, address: null } as never)
    .execute()
  if (personal !== undefined)
    await db
      .insertInto('audit_personal')
      .values({ ...personal, event_id: id })
      .execute()
  const end = (await listSeals(db, 1)).at(-1)
  const place = { position: (end?.position ?? 0) + 1, previousHash: end?.hash ?? '' }
  const hash = hashOf(place, await getEvent(db, id))
  await db
    .insertInto('audit_seals')
    .values({ position: place.position, event_id: id, hash, previous_hash: place.previousHash })
    .execute()
}

const removePersonal = async (db: Database, position: number): Promise<void> => {
  await db
    .deleteFrom('audit_personal')
    .where('event_id', '=', await eventAt(db, position))
    .execute()
}

/** The beginning is deleted, and signed for by the forger as if it had been pruned. */
const pruneForged = async (db: Database, to: number): Promise<void> => {
  const { publicKey, sign } = openSigner(Buffer.alloc(32, 7))
  const hash = (await listSeals(db, to))[0]?.hash ?? ''
  const pruning = { id: 1, from_position: 1, to_position: to, hash, at: 0 }
  await db
    .insertInto('audit_prunings')
    .values(pruning as never)
    .execute()
  const key = {
    id: 'forger',
    public_key: publicKey,
    private_key: '',
    active: null,
    created_at: 0,
    retired_at: null,
  }
  await db.insertInto('audit_keys').values(key).execute()
  const at = (await getEvent(db, await eventAt(db, to))).at - hour
  const statement = {
    audit: 'checkpoint',
    kind: 'beginning',
    position: to,
    hash,
    at: toTimestamp(at),
  } as const
  const { signature } = signCheckpoint({ ...statement, key: 'forger', public_key: publicKey }, sign)
  const row = { id: 900_000, position: to, hash, at, kind: 'beginning', key_id: 'forger', signature }
  await db
    .insertInto('audit_checkpoints')
    .values(row as never)
    .execute()
  for (let position = 1; position <= to; position++) await removeEvent(db, position)
  await removeSeals(db, 1, to)
}

const swap = async (db: Database, position: number): Promise<void> => {
  const [one, other] = [await eventAt(db, position), await eventAt(db, position + 1)]
  const set = (at: number, event_id: number) =>
    db.updateTable('audit_seals').set({ event_id }).where('position', '=', at).execute()
  await set(position, other)
  await set(position + 1, one)
}

const cutOff = async (db: Database, from: number): Promise<void> => {
  for (const { event_id } of await listSeals(db, from))
    await db.deleteFrom('audit_events').where('id', '=', event_id).execute()
  await removeSeals(db, from, Number.MAX_SAFE_INTEGER)
}

const forgetCheckpoints = async (db: Database): Promise<void> => {
  await db.deleteFrom('audit_checkpoints').execute()
}

/** Signs the end of the chain by a key of the forger's, which is put in the place of ours. */
const signAnew = async (db: Database, replacesKey: boolean): Promise<void> => {
  const { publicKey, sign } = openSigner(Buffer.alloc(32, 7))
  const rows = await db.selectFrom('audit_checkpoints').selectAll().execute()
  if (replacesKey) await db.updateTable('audit_keys').set({ public_key: publicKey }).execute()
  for (const { id, position, at, key_id: key } of rows) {
    const [seal] = await listSeals(db, position)
    const hash = seal?.hash ?? ''
    const { signature } = signCheckpoint(
      {
        audit: 'checkpoint',
        kind: 'checkpoint',
        position,
        hash,
        at: toTimestamp(at),
        key,
        public_key: publicKey,
      },
      sign,
    )
    await db.updateTable('audit_checkpoints').set({ hash, signature }).where('id', '=', id).execute()
  }
}

/** What somebody does to the record who holds the database, and how it is named: first without help from outside. */
export type Damage = {
  readonly name: string
  readonly do: (db: Database, last: number) => Promise<void>
  /** Undefined: the database alone can't tell. */
  readonly alone: FaultKind | undefined
  /** With the checkpoints that have left the machine; as `alone` without a word. */
  readonly anchored?: FaultKind
  readonly position?: number
}

const place = 12

export const damages: readonly Damage[] = [
  { name: 'an event is edited', do: db => edit(db, place), alone: 'edited', position: place },
  {
    name: 'an event is edited, and sealed anew',
    do: async db => {
      await edit(db, place)
      await sealAnew(db, place, place)
    },
    alone: 'rewritten',
    position: place + 1,
  },
  {
    name: 'an event is edited, and everything behind it is sealed anew',
    do: async db => {
      await edit(db, place)
      await sealAnew(db, place)
    },
    alone: 'checkpoint-contradicted',
  },
  {
    name: 'an event is edited, everything is sealed anew, and no checkpoint is left',
    do: async db => {
      await edit(db, place)
      await sealAnew(db, place)
      await forgetCheckpoints(db)
    },
    alone: undefined,
    anchored: 'checkpoint-contradicted',
  },
  {
    name: 'an event is edited, everything is sealed anew, and signed by a key of the forger’s',
    do: async db => {
      await edit(db, place)
      await sealAnew(db, place)
      await signAnew(db, false)
    },
    alone: 'checkpoint-forged',
  },
  {
    name: 'an event is edited, everything is sealed anew, and signed by a key in the place of ours',
    do: async db => {
      await edit(db, place)
      await sealAnew(db, place)
      await signAnew(db, true)
    },
    alone: undefined,
    anchored: 'checkpoint-forged',
  },
  { name: 'an event is deleted', do: db => removeEvent(db, place), alone: 'deleted', position: place },
  {
    name: 'an event is deleted with its seal',
    do: async db => {
      await removeEvent(db, place)
      await removeSeals(db, place, place)
    },
    alone: 'deleted',
    position: place,
  },
  {
    name: 'an event is deleted with its seal, and those behind it move up',
    do: async db => {
      await removeEvent(db, place)
      await removeSeals(db, place, place)
      await moveSeals(db, place + 1, -1)
    },
    alone: 'rewritten',
    position: place,
  },
  {
    name: 'the beginning is deleted, as if it had been pruned',
    do: async db => {
      for (let position = 1; position < place; position++) await removeEvent(db, position)
      await removeSeals(db, 1, place - 1)
    },
    alone: 'deleted',
    position: 1,
  },
  {
    name: 'the beginning is deleted, and a pruning written down that nobody has signed',
    do: async db => {
      const [last] = await listSeals(db, place - 1)
      const row = { id: 1, from_position: 1, to_position: place - 1, hash: last?.hash ?? '', at: 0 }
      await db
        .insertInto('audit_prunings')
        .values(row as never)
        .execute()
      for (let position = 1; position < place; position++) await removeEvent(db, position)
      await removeSeals(db, 1, place - 1)
    },
    alone: 'pruning-unsigned',
  },
  {
    name: 'an event is put in, with a seal between others',
    do: async db => {
      await insertEvent(db, 900_000)
      await moveSeals(db, place, 1)
      const [before] = await listSeals(db, place - 1)
      const previous_hash = before?.hash ?? ''
      const hash = hashOf({ position: place, previousHash: previous_hash }, await getEvent(db, 900_000))
      await db
        .insertInto('audit_seals')
        .values({ position: place, event_id: 900_000, hash, previous_hash })
        .execute()
    },
    alone: 'rewritten',
    position: place + 1,
  },
  { name: 'an event is put in without a seal', do: db => insertEvent(db, 900_000), alone: 'unsealed' },
  {
    name: 'two events change places',
    do: db => swap(db, place),
    alone: 'reordered',
    position: place,
  },
  {
    name: 'the end is cut off',
    do: (db, last) => cutOff(db, last - 5),
    alone: 'truncated',
  },
  {
    name: 'the end is cut off, and no checkpoint of it is left',
    do: async (db, last) => {
      await cutOff(db, last - 5)
      await db
        .deleteFrom('audit_checkpoints')
        .where('position', '>=', last - 5)
        .execute()
    },
    alone: undefined,
    anchored: 'truncated',
  },
  {
    name: 'an address is changed',
    do: async db => {
      const id = await eventAt(db, place)
      await db
        .updateTable('audit_personal')
        .set({ address: '198.51.100.1' })
        .where('event_id', '=', id)
        .execute()
    },
    alone: 'personal-changed',
    position: place,
  },
  {
    name: 'an address is changed, and the event commits to the new one',
    do: async db => {
      const id = await eventAt(db, place)
      const personal = { address: '198.51.100.1', details: '{}' }
      const salt = 'a salt of the forger'
      const commitments = toCommitments(salt, { address: personal.address, details: {} })
      await db.updateTable('audit_events').set({ commitments }).where('id', '=', id).execute()
      await db
        .updateTable('audit_personal')
        .set({ ...personal, salt })
        .where('event_id', '=', id)
        .execute()
    },
    alone: 'edited',
    position: place,
  },
  {
    name: 'another API key is named',
    do: async db => {
      const id = await eventAt(db, place)
      await db.updateTable('audit_events').set({ api_key_id: 'another' }).where('id', '=', id).execute()
    },
    alone: 'edited',
    position: place,
  },
  {
    name: 'a personal field is added',
    do: async db => {
      const id = await eventAt(db, place)
      await db
        .updateTable('audit_personal')
        .set({ details: '{"said":"nothing"}' })
        .where('event_id', '=', id)
        .execute()
    },
    alone: 'personal-changed',
    position: place,
  },
  {
    name: 'personal fields are removed without an erasure',
    do: async db => {
      const id = await eventAt(db, place)
      await db.deleteFrom('audit_personal').where('event_id', '=', id).execute()
    },
    alone: 'personal-missing',
    position: place,
  },
  {
    name: 'the time of an address is changed, so that a search passes it over',
    do: async db => {
      const id = await eventAt(db, place)
      await db.updateTable('audit_personal').set({ at: 0 }).where('event_id', '=', id).execute()
    },
    alone: 'personal-changed',
    position: place,
  },
  {
    name: 'an address is moved to the details, where no search finds it',
    do: async db => {
      const id = await eventAt(db, place)
      const { address } = await db
        .selectFrom('audit_personal')
        .select('address')
        .where('event_id', '=', id)
        .executeTakeFirstOrThrow()
      const details = JSON.stringify({ address })
      await db
        .updateTable('audit_personal')
        .set({ address: null, details })
        .where('event_id', '=', id)
        .execute()
    },
    alone: 'personal-changed',
    position: place,
  },
  {
    name: 'personal fields are removed of an event that came after the erasure of everything',
    do: async db => {
      const details = { events: ['1-999999999'], count: 1 }
      const event = toNewEvent(auditEvents, { at: 1, event: 'audit.erased', origin, details })
      await insertSealed(db, event)
      const { id } = await getEvent(db, 900_000)
      const next = { ...toNewEvent(auditEvents, { at: 1, event: 'sign-in.failed', origin }).row, id: id + 1 }
      await db
        .insertInto('audit_events')
        .values({ ...next, address: null, commitments: '{"address":"x"}' } as never)
        .execute()
      const end = (await listSeals(db, 1)).at(-1)
      const at = { position: (end?.position ?? 0) + 1, previousHash: end?.hash ?? '' }
      const hash = hashOf(at, await getEvent(db, id + 1))
      const seal = { position: at.position, event_id: id + 1, hash, previous_hash: at.previousHash }
      await db.insertInto('audit_seals').values(seal).execute()
      await removePersonal(db, at.position)
    },
    alone: 'personal-missing',
  },
  {
    name: 'the beginning is deleted, signed for as pruned by a key of the forger’s, and no event tells of it',
    do: db => pruneForged(db, place),
    alone: 'pruning-unrecorded',
    anchored: 'pruning-unsigned',
  },
  {
    name: 'a checkpoint is moved to another position',
    do: async db => {
      const { id } = await db
        .selectFrom('audit_checkpoints')
        .select('id')
        .orderBy('id')
        .executeTakeFirstOrThrow()
      await db
        .updateTable('audit_checkpoints')
        .set(eb => ({ position: eb('position', '-', 1) }))
        .where('id', '=', id)
        .execute()
    },
    alone: 'checkpoint-forged',
  },
  {
    name: 'a checkpoint names a key that is not there',
    do: async db => {
      await db.updateTable('audit_checkpoints').set({ key_id: 'nobody' }).execute()
    },
    alone: 'checkpoint-forged',
  },
  {
    name: 'a seal is added of an event that never was',
    do: async (db, last) => {
      const [end] = await listSeals(db, last)
      const seal = { position: last + 1, event_id: 900_000, hash: 'x', previous_hash: end?.hash ?? '' }
      await db.insertInto('audit_seals').values(seal).execute()
    },
    alone: 'deleted',
  },
  {
    name: 'a second seal is put behind the same one',
    do: async db => {
      const [seal] = await listSeals(db, place)
      await insertEvent(db, 900_000)
      const previousHash = seal?.previous_hash ?? ''
      const hash = hashOf({ position: place, previousHash }, await getEvent(db, 900_000))
      await db
        .insertInto('audit_seals')
        .values({ position: place, event_id: 900_000, hash, previous_hash: previousHash })
        .execute()
    },
    alone: 'fork',
    position: place,
  },
]

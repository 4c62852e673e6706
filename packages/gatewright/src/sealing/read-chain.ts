import type { AuditAnchor } from '../ground/audit-anchor.ts'
import type { Clock } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'
import { batchSize, listUnsealed, readHead } from './seal-events.ts'

type Dependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly settings: { readonly auditAnchor: AuditAnchor | undefined }
}

/** How many numbers before the last sealed one are looked through for an event that came late. */
const window = 10_000
const mostCheckpoints = 20
const mostKeys = 20

/** Events without a seal: how many, `most` of them at most, and since when the oldest waits. */
export type Unsealed = {
  readonly count: number
  readonly most: number
  readonly oldestAt: number | undefined
}

export const readUnsealed = async (db: Database): Promise<Unsealed> => {
  const { mostEvent } = await readHead(db)
  const events = await listUnsealed(db, { after: Math.max(0, mostEvent - window) })
  const oldestAt = events.length === 0 ? undefined : Math.min(...events.map(({ at }) => at))
  return { count: events.length, most: batchSize, oldestAt }
}

const listCheckpoints = (db: Database) =>
  db
    .selectFrom('audit_checkpoints as c')
    .leftJoin('audit_deliveries as d', 'd.checkpoint_id', 'c.id')
    .select(['c.position', 'c.hash', 'c.at', 'c.kind', 'c.key_id', 'd.delivered_at', 'd.problem'])
    .orderBy('c.id', 'desc')
    .limit(mostCheckpoints)
    .execute()

/** Where the chain begins, after what was pruned. */
const readBeginning = async (db: Database): Promise<number> => {
  const row = await db
    .selectFrom('audit_prunings')
    .select('to_position')
    .orderBy('to_position', 'desc')
    .limit(1)
    .executeTakeFirst()
  return (row?.to_position ?? 0) + 1
}

/** Since when the oldest checkpoint waits that was not delivered, and why it was not. */
export const readUndelivered = (db: Database) =>
  db
    .selectFrom('audit_deliveries as d')
    .innerJoin('audit_checkpoints as c', 'c.id', 'd.checkpoint_id')
    .select(['c.at', 'd.problem', 'd.attempts'])
    .where('d.delivered_at', 'is', null)
    .orderBy('d.checkpoint_id')
    .limit(1)
    .executeTakeFirst()

/** The state of the chain, for whoever looks after it. Bounded, however long it is. */
export const readChain = async ({ db, clock, settings }: Dependencies) => {
  const { position } = await readHead(db)
  const unsealed = await readUnsealed(db)
  const waits = unsealed.oldestAt === undefined ? 0 : Math.max(0, clock.now() - unsealed.oldestAt)
  return {
    sealedTo: position,
    unsealed,
    unsealedFor: waits,
    beginning: await readBeginning(db),
    checkpoints: await listCheckpoints(db),
    keys: await db
      .selectFrom('audit_keys')
      .select(['id', 'public_key', 'created_at', 'retired_at'])
      .orderBy('created_at', 'desc')
      .limit(mostKeys)
      .execute(),
    anchor: settings.auditAnchor?.kind ?? ('none' as const),
  }
}

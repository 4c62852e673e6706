import { type Checkpoint, signCheckpoint } from '../audit/checkpoint.ts'
import { toTimestamp } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { holdAuditKey, type KeyDependencies } from './audit-keys.ts'

export type Signed = { readonly id: number; readonly checkpoint: Checkpoint }

/**
 * Signs what the chain is at a position, in `work`.
 * @returns undefined where another process has just done it
 */
export const addCheckpoint = async (
  dependencies: KeyDependencies,
  work: Work,
  { kind, position, hash }: Pick<Checkpoint, 'kind' | 'position' | 'hash'>,
): Promise<Signed | undefined> => {
  const { id: key, publicKey: public_key, sign } = await holdAuditKey(dependencies, work)
  const now = dependencies.clock.now()
  const statement = {
    audit: 'checkpoint',
    kind,
    position,
    hash,
    at: toTimestamp(now),
    key,
    public_key,
  } as const
  const checkpoint = signCheckpoint(statement, sign)
  const row = await work.db
    .insertInto('audit_checkpoints')
    .values({ position, hash, at: now, kind, key_id: key, signature: checkpoint.signature })
    .onConflict(conflict => conflict.columns(['position', 'kind', 'key_id']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return row && { id: row.id, checkpoint }
}

/** A checkpoint with the public half of its key, as it leaves the machine. */
export const readCheckpoint = async (db: Database, id: number): Promise<Checkpoint | undefined> => {
  const row = await db
    .selectFrom('audit_checkpoints as c')
    .innerJoin('audit_keys as k', 'k.id', 'c.key_id')
    .select(['c.kind', 'c.position', 'c.hash', 'c.at', 'c.key_id', 'k.public_key', 'c.signature'])
    .where('c.id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { kind, position, hash, at, key_id: key, public_key, signature } = row
  const known = kind === 'beginning' ? kind : 'checkpoint'
  return { audit: 'checkpoint', kind: known, position, hash, at: toTimestamp(at), key, public_key, signature }
}

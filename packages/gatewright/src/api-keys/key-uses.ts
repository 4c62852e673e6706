import { type Clock, minute } from '../ground/clock.ts'
import { createUses, type NotedUse, type Uses } from '../sessions/uses.ts'
import { toUseRows } from '../sessions/write-uses.ts'
import { isSqlite } from '../storage/columns.ts'
import type { Database } from '../storage/tables.ts'

type Dependencies = { readonly db: Database; readonly clock: Clock }

const every = minute

/** Into no key that has ended, never backwards, and past a row that somebody else is writing to. */
const writeKeyUses = async (
  { db }: Dependencies,
  uses: readonly NotedUse[],
  lastBefore: number,
): Promise<readonly string[]> => {
  const ids = uses.map(([id]) => id)
  const rows = await db
    .with('uses', () => toUseRows(db, uses))
    .updateTable('api_keys')
    .from('uses')
    .set(eb => ({ last_used_at: eb.ref('uses.at'), address: eb.ref('uses.address') }))
    .whereRef('api_keys.id', '=', 'uses.id')
    .where('api_keys.ended_at', 'is', null)
    .where(eb =>
      eb.or([
        eb('api_keys.last_used_at', 'is', null),
        eb.and([
          eb('api_keys.last_used_at', '<', eb.ref('uses.at')),
          eb('api_keys.last_used_at', '<=', lastBefore),
        ]),
      ]),
    )
    .where('api_keys.id', 'in', eb =>
      eb
        .selectFrom('api_keys as unlocked')
        .select('unlocked.id')
        .where('unlocked.id', 'in', ids)
        .where('unlocked.ended_at', 'is', null)
        // SQLite has one writer, and no locks of rows.
        .$if(!isSqlite(db), query => query.forNoKeyUpdate().skipLocked()),
    )
    .returning('api_keys.id')
    .execute()
  return rows.map(({ id }) => id)
}

/** When API keys were last used, and from where: once a minute each. */
export const createKeyUses = (dependencies: Dependencies): Uses =>
  createUses({
    clock: dependencies.clock,
    every,
    writeUses: (uses, lastBefore) => writeKeyUses(dependencies, uses, lastBefore),
  })

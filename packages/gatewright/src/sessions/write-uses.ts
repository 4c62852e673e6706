import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import type { RoleTable } from '../permissions/roles.ts'
import { isSqlite } from '../storage/columns.ts'
import type { Database, Tables } from '../storage/tables.ts'
import { administratorTimes, type SessionTimes, type UserTimes } from './session-times.ts'
import type { NotedUse } from './uses.ts'

type Dependencies = {
  readonly db: Database
  readonly settings: SessionTimes
  readonly roleTable: RoleTable
}

type Builder = ExpressionBuilder<
  Tables & { uses: { id: string; at: number; address: string } },
  'sessions' | 'uses'
>

/** The session lived at the moment of its use, by these times. */
const livedBy = (eb: Builder, { sessionIdleTtl, sessionMaxTtl }: UserTimes): Expression<SqlBool> =>
  eb.and([
    eb('sessions.expires_at', '>', eb.ref('uses.at')),
    eb('sessions.created_at', '>', eb('uses.at', '-', sessionMaxTtl)),
    eb('sessions.last_used_at', '>', eb('uses.at', '-', sessionIdleTtl)),
  ])

const isOfAdministrator = (eb: Builder, { administrative }: RoleTable): Expression<SqlBool> =>
  eb.exists(
    eb
      .selectFrom('user_roles')
      .select('user_roles.role')
      .whereRef('user_roles.user_id', '=', 'sessions.user_id')
      .where('user_roles.role', 'in', [...administrative]),
  )

/** As {@link livedBy} for its own user, whose roles are those of this moment. */
const lived =
  ({ settings, roleTable }: Dependencies) =>
  (eb: Builder): Expression<SqlBool> =>
    eb.and([
      livedBy(eb, settings),
      eb.or([livedBy(eb, administratorTimes(settings)), eb.not(isOfAdministrator(eb, roleTable))]),
    ])

/** The uses as a table, typed as PostgreSQL wants it said. */
export const toUseRows = (db: Database, uses: readonly NotedUse[]) => {
  const [first, ...others] = uses.map(([id, { at, address }]) =>
    db.selectNoFrom(eb => [
      eb.cast<string>(eb.val(id), 'text').as('id'),
      eb.cast<number>(eb.val(at), 'bigint').as('at'),
      eb.cast<string>(eb.val(address), 'text').as('address'),
    ]),
  )
  if (first === undefined) throw new TypeError('no use, no write')
  return others.length === 0 ? first : first.unionAll(others)
}

/**
 * Writes last uses with their addresses, in one statement: into no session that has ended or was over by the
 * clock, never backwards, and only where the one that stands there is not later than `lastBefore`. A row that
 * somebody else is writing to is left out, so that nobody waits here and nobody waits for this.
 * @returns the ids written
 */
export const writeUses = async (
  dependencies: Dependencies,
  uses: readonly NotedUse[],
  lastBefore: number,
): Promise<readonly string[]> => {
  const { db } = dependencies
  const ids = uses.map(([id]) => id)
  const rows = await db
    .with('uses', () => toUseRows(db, uses))
    .updateTable('sessions')
    .from('uses')
    .set(eb => ({ last_used_at: eb.ref('uses.at'), address: eb.ref('uses.address') }))
    .whereRef('sessions.id', '=', 'uses.id')
    .where('sessions.ended_at', 'is', null)
    .whereRef('sessions.last_used_at', '<', 'uses.at')
    .where('sessions.last_used_at', '<=', lastBefore)
    .where(lived(dependencies))
    .where('sessions.id', 'in', eb =>
      eb
        .selectFrom('sessions as unlocked')
        .select('unlocked.id')
        .where('unlocked.id', 'in', ids)
        .where('unlocked.ended_at', 'is', null)
        // SQLite has one writer, and no locks of rows.
        .$if(!isSqlite(db), query => query.forNoKeyUpdate().skipLocked()),
    )
    .returning('sessions.id')
    .execute()
  return rows.map(({ id }) => id)
}

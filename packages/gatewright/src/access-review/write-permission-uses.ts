import { day } from '../ground/clock.ts'
import { isSqlite } from '../storage/columns.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

/** Who holds a permission: a person or a service, one of their API keys, or a role by which they hold it. */
export type HolderKind = 'user' | 'api-key' | 'role'

export type DayOfUse = {
  readonly kind: HolderKind
  readonly holder: string
  readonly permission: string
  /** Its beginning. */
  readonly day: number
}

/**
 * A day so much later than one that is written now was noted by a clock that was ahead: what is granted would look
 * used until then. Uses wait for a database for an hour at most.
 */
const aheadAfter = 7 * day

/** As a table, typed as PostgreSQL wants it said. */
const toRows = (db: Database, uses: readonly DayOfUse[]) => {
  const [first, ...others] = uses.map(({ kind, holder, permission, day }) =>
    db.selectNoFrom(eb => [
      eb.cast<string>(eb.val(kind), 'text').as('kind'),
      eb.cast<string>(eb.val(holder), 'text').as('holder'),
      eb.cast<string>(eb.val(permission), 'text').as('permission'),
      eb.cast<number>(eb.val(day), 'bigint').as('day'),
    ]),
  )
  if (first === undefined) throw new TypeError('no use, no write')
  return others.length === 0 ? first : first.unionAll(others)
}

/** Users of these uses, and owners of their keys. */
const selectUsers = ({ db, beforeLock }: Work, uses: readonly DayOfUse[]) => {
  beforeLock('user')
  const of = (kind: HolderKind) => ['', ...uses.filter(use => use.kind === kind).map(use => use.holder)]
  const query = db
    .selectFrom('users')
    .select('users.id')
    .where('users.deleted_at', 'is', null)
    .where(({ eb, or, selectFrom }) =>
      or([
        eb('users.id', 'in', of('user')),
        eb(
          'users.id',
          'in',
          selectFrom('api_keys').select('api_keys.user_id').where('api_keys.id', 'in', of('api-key')),
        ),
      ]),
    )
  // SQLite has one writer, and no locks of rows.
  return isSqlite(db) ? query : query.forShare().skipLocked()
}

/**
 * Writes the days of these uses, in one statement: never backwards but from a future, in one order for all processes, and for nobody
 * who was deleted. A user whose row somebody is changing is left out: who deletes one must find all that there is.
 * @returns those written
 */
export const writePermissionUses = async (
  work: Work,
  uses: readonly DayOfUse[],
): Promise<readonly Omit<DayOfUse, 'day'>[]> => {
  const { db } = work
  const rows = await db
    .with('uses', () => toRows(db, uses))
    .with('there', () => selectUsers(work, uses))
    .insertInto('permission_uses')
    .columns(['holder_kind', 'holder_id', 'permission', 'last_day'])
    .expression(eb =>
      eb
        .selectFrom('uses')
        .leftJoin('api_keys', join =>
          join.onRef('api_keys.id', '=', 'uses.holder').on('uses.kind', '=', 'api-key'),
        )
        .select(['uses.kind', 'uses.holder', 'uses.permission', 'uses.day'])
        .where(({ eb: is, or, selectFrom }) =>
          or([
            is('uses.kind', '=', 'role'),
            is('uses.holder', 'in', selectFrom('there').select('there.id')),
            is('api_keys.user_id', 'in', selectFrom('there').select('there.id')),
          ]),
        )
        .orderBy('uses.kind')
        .orderBy('uses.holder')
        .orderBy('uses.permission'),
    )
    .onConflict(conflict =>
      conflict.columns(['holder_kind', 'holder_id', 'permission']).doUpdateSet(eb => ({
        last_day: eb
          .case()
          .when('excluded.last_day', '>', eb.ref('permission_uses.last_day'))
          .then(eb.ref('excluded.last_day'))
          .when('permission_uses.last_day', '>', eb('excluded.last_day', '+', aheadAfter))
          .then(eb.ref('excluded.last_day'))
          .else(eb.ref('permission_uses.last_day'))
          .end(),
      })),
    )
    .returning(['holder_kind', 'holder_id', 'permission'])
    .execute()
  return rows.map(({ holder_kind, holder_id, permission }) => ({
    kind: holder_kind as HolderKind,
    holder: holder_id,
    permission,
  }))
}

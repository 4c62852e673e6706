import { type Kysely, type RawBuilder, sql } from 'kysely'
import { isSqlite } from './columns.ts'

/**
 * The last request of those that an event counts together, of its column `details`. An index has just this, so that
 * it is found by nothing else.
 */
export const lastRequestOf = <T>(db: Kysely<T>, details: string): RawBuilder<string | null> => {
  const column = sql.ref(details)
  return isSqlite(db)
    ? sql`(${column} ->> '$.last_request_id')`
    : sql`((${column}::json) ->> 'last_request_id')`
}

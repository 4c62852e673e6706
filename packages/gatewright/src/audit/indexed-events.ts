import { type SqlBool, sql } from 'kysely'

/**
 * Events that an index finds by their name; to be said word for word in the query. Refreshes are not among them: there
 * are so many that whoever looks for one finds it anywhere.
 */
export const isIndexedEvent = sql<SqlBool>`event <> 'session.refreshed'`

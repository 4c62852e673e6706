import { type Kysely, type SqlBool, sql } from 'kysely'

/**
 * Events that are counted by days, each by itself. Written as SQLite must find it in a query: a list of words would
 * not tell it that one of them is meant. Refreshes, of which there are most, cost no index more.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema
    .createIndex('audit_events_counted')
    .on('audit_events')
    .columns(['event', 'at'])
    .where(
      sql<SqlBool>`event = 'user.registered' or event = 'user.created' or event = 'session.started'
        or event = 'sign-in.failed' or event = 'second-factor.failed' or event = 'api-key.made'`,
    )
    .execute()
}

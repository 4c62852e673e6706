import type { Kysely } from 'kysely'

/** Mail that was given up, of which there is little, among mail that was sent, of which there is much. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema
    .createIndex('mails_given_up')
    .on('mails')
    .column('given_up_at')
    .where('given_up_at' as never, 'is not', null)
    .execute()
}

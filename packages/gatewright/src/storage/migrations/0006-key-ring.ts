import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** The longest that ACCESS_TOKEN_TTL can be: what a key may have promised that was made before this. */
const longestTtl = 86_400_000

type Before = {
  signing_keys: { state: string; created_at: number; activated_at: number; token_ttl: number }
}

/** The states of signing keys with the time of each step, and the algorithm that the last start asked for. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const time = millisecondsColumn(db)
  const { schema } = db
  for (const step of ['activated_at', 'retired_at', 'gone_at', 'revoked_at', 'rotation_asked_at'])
    await schema.alterTable('signing_keys').addColumn(step, time).execute()
  await schema
    .alterTable('signing_keys')
    .addColumn('token_ttl', time, column => column.notNull().defaultTo(0))
    .execute()
  await (db as Kysely<Before>)
    .updateTable('signing_keys')
    .set(eb => ({ activated_at: eb.ref('created_at'), token_ttl: longestTtl }))
    .execute()
  for (const state of ['active', 'published'])
    await schema
      .createIndex(`one_${state}_signing_key`)
      .unique()
      .on('signing_keys')
      .column('state')
      .where('state', '=', state)
      .execute()
  await schema.alterTable('installation').addColumn('token_algorithm', 'text').execute()
}

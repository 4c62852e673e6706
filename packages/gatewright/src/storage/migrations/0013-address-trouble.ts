import type { Kysely } from 'kysely'

/** What a process has found to be wrong in its list of trusted proxies. */
export const up = async ({ schema }: Kysely<unknown>): Promise<void> => {
  await schema.alterTable('processes').addColumn('address_trouble', 'text').execute()
}

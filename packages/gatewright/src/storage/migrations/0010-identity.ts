import type { Kysely } from 'kysely'

/** Which database of which server this is, as the last start found it. */
export const up = async ({ schema }: Kysely<unknown>): Promise<void> => {
  for (const column of ['identity', 'timeline'] as const)
    await schema.alterTable('installation').addColumn(column, 'text').execute()
}

import type { Kysely } from 'kysely'

export const up = async ({ schema }: Kysely<unknown>): Promise<void> => {
  await schema
    .createTable('declared_roles')
    .addColumn('name', 'text', column => column.primaryKey())
    .execute()
}

import type { Kysely } from 'kysely'

/**
 * Which declared roles make an administrator. One that was declared before counts as one until the
 * application starts again and says.
 */
export const up = async ({ schema }: Kysely<unknown>): Promise<void> => {
  await schema
    .alterTable('declared_roles')
    .addColumn('is_administrative', 'integer', column => column.notNull().defaultTo(1))
    .execute()
}

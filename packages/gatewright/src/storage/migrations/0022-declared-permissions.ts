import type { Kysely } from 'kysely'

/** What the application's roles allow, for processes without an application: they make roles of these permissions. */
export const up = async ({ schema }: Kysely<unknown>): Promise<void> => {
  await schema
    .createTable('declared_permissions')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('allows', 'text', column => column.notNull())
    .execute()
  await schema
    .createTable('declared_role_permissions')
    .addColumn('role', 'text', column => column.notNull())
    .addColumn('permission', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('declared_role_permissions_key', ['role', 'permission'])
    .execute()
}

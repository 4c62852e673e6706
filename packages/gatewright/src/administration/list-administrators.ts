import type { RoleTable } from '../permissions/roles.ts'
import type { Database } from '../storage/tables.ts'

/** As many as somebody looks through. */
const most = 100

/** The names of users and services, by name, that are enabled and have any administrative permission: a hundred at most. */
export const listAdministrators = async ({
  db,
  roleTable,
}: {
  readonly db: Database
  readonly roleTable: Pick<RoleTable, 'administrative'>
}): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .select(['users.username', 'users.username_key'])
    .distinct()
    .where('user_roles.role', 'in', [...roleTable.administrative])
    .where('users.disabled_at', 'is', null)
    .orderBy('users.username_key')
    .limit(most)
    .execute()
  return rows.map(({ username }) => username)
}

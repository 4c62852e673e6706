import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { builtInRoleNames, createRoleTable, type RoleTable } from './roles.ts'

/** The names of the roles that the application declared at its last start, in alphabetical order. */
export const listDeclaredRoles = async (db: Database): Promise<readonly string[]> => {
  const rows = await db.selectFrom('declared_roles').select('name').orderBy('name').execute()
  return rows.map(({ name }) => name)
}

/** Notes the names, in place of those noted before, for other processes that know no application. */
export const noteDeclaredRoles = async (db: Database, { roles }: RoleTable): Promise<void> => {
  const names = [...roles.keys()].filter(name => !builtInRoleNames.includes(name)).sort()
  if ((await listDeclaredRoles(db)).join() === names.join()) return
  await inTransaction(db, async work => {
    await work.db.deleteFrom('declared_roles').execute()
    if (names.length === 0) return
    await work.db
      .insertInto('declared_roles')
      .values(names.map(name => ({ name })))
      .onConflict(conflict => conflict.column('name').doNothing())
      .execute()
  })
}

/**
 * The roles as a process knows them that has no application, such as the command line: those declared can
 * be given and listed by name. What they allow only the application says; nothing is decided on this.
 */
export const readRoleTable = async (db: Database): Promise<RoleTable> =>
  createRoleTable({ roles: Object.fromEntries((await listDeclaredRoles(db)).map(name => [name, []])) })

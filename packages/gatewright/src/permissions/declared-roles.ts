import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { builtInRoleNames, createRoleTable, type RoleTable } from './roles.ts'

type DeclaredRole = { readonly name: string; readonly is_administrative: number }

/** The roles that the application declared at its last start, in alphabetical order. */
export const listDeclaredRoles = (db: Database): Promise<DeclaredRole[]> =>
  db.selectFrom('declared_roles').select(['name', 'is_administrative']).orderBy('name').execute()

const toDeclaredRoles = ({ roles, administrative }: RoleTable): readonly DeclaredRole[] =>
  [...roles.keys()]
    .filter(name => !builtInRoleNames.includes(name))
    .sort()
    .map(name => ({ name, is_administrative: Number(administrative.has(name)) }))

const isSame = (some: readonly DeclaredRole[], others: readonly DeclaredRole[]): boolean =>
  JSON.stringify(some) === JSON.stringify(others)

/** Notes the roles, in place of those noted before, for other processes that know no application. */
export const noteDeclaredRoles = async (db: Database, table: RoleTable): Promise<void> => {
  const declared = toDeclaredRoles(table)
  if (isSame(await listDeclaredRoles(db), declared)) return
  await inTransaction(db, async work => {
    await work.db.deleteFrom('declared_roles').execute()
    if (declared.length === 0) return
    await work.db
      .insertInto('declared_roles')
      .values([...declared])
      .onConflict(conflict => conflict.column('name').doNothing())
      .execute()
  })
}

/**
 * The roles as a process knows them that has no application, such as the command line: those declared can
 * be given and listed by name, and it is known which make an administrator. What they allow only the
 * application says; nothing is decided on this.
 */
export const readRoleTable = async (db: Database): Promise<RoleTable> => {
  const declared = await listDeclaredRoles(db)
  const table = createRoleTable({ roles: Object.fromEntries(declared.map(({ name }) => [name, []])) })
  const administrative = declared.filter(role => role.is_administrative === 1).map(({ name }) => name)
  return { ...table, administrative: new Set([...table.administrative, ...administrative]) }
}

import { isSqlite } from '../storage/columns.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { administratorRole, type RoleTable, withMadeRoles } from './roles.ts'

/** A role that administrators made at run time, as it is stored: it may name what nobody declares any more. */
export type MadeRole = {
  readonly name: string
  readonly description: string
  readonly permissions: readonly string[]
  readonly createdAt: number
  readonly changedAt: number
}

const withPermissions = async (
  db: Database,
  rows: readonly { name: string; description: string; created_at: number; changed_at: number }[],
): Promise<readonly MadeRole[]> => {
  if (rows.length === 0) return []
  const names = rows.map(({ name }) => name)
  const stored = await db
    .selectFrom('role_permissions')
    .selectAll()
    .where('role', 'in', names)
    .orderBy('permission')
    .execute()
  const byRole = Map.groupBy(stored, ({ role }) => role)
  return rows.map(({ name, description, created_at, changed_at }) => ({
    name,
    description,
    permissions: (byRole.get(name) ?? []).map(({ permission }) => permission),
    createdAt: created_at,
    changedAt: changed_at,
  }))
}

/** All of them, by name. */
export const listMadeRoles = async (db: Database): Promise<readonly MadeRole[]> =>
  withPermissions(db, await db.selectFrom('roles').selectAll().orderBy('name').execute())

/**
 * One of them, to be changed: nobody gives it, judges by it or changes it until the transaction ends. Undefined for
 * one that there is not.
 */
export const lockMadeRole = async ({ db }: Work, name: string): Promise<MadeRole | undefined> => {
  const query = db.selectFrom('roles').selectAll().where('name', '=', name)
  const rows = await (isSqlite(db) ? query : query.forUpdate()).execute()
  return (await withPermissions(db, rows))[0]
}

/** Those that the database knows better, or alone. */
const ofDatabase = ({ roles, made }: RoleTable, names: readonly string[]): readonly string[] =>
  names.filter(name => made.has(name) || !roles.has(name))

/** The table with these roles as the database has them: what a process keeps in memory may be a moment older. */
export const readRolesNow = async (
  table: RoleTable,
  db: Database,
  names: readonly string[],
): Promise<RoleTable> => {
  const asked = ofDatabase(table, names)
  if (asked.length === 0) return table
  const rows = await db.selectFrom('roles').selectAll().where('name', 'in', asked).execute()
  return withMadeRoles(table, await withPermissions(db, rows), asked)
}

/**
 * The table with what the version of the application that started last declares of these roles beyond what stands
 * in this one's code: processes of both may run side by side.
 */
const withNoted = async (table: RoleTable, { db }: Work, names: readonly string[]): Promise<RoleTable> => {
  const ofCode = names.filter(name => name !== administratorRole && !table.made.has(name))
  if (ofCode.length === 0) return table
  const noted = await db
    .selectFrom('declared_role_permissions')
    .selectAll()
    .where('role', 'in', ofCode)
    .execute()
  const more = noted.filter(({ role, permission }) => !allows(table, role, permission))
  if (more.length === 0) return table
  const undeclared = new Map(table.undeclared)
  for (const { role, permission } of more) undeclared.set(role, [...(undeclared.get(role) ?? []), permission])
  return { ...table, undeclared }
}

const allows = ({ roles }: RoleTable, role: string, permission: string): boolean =>
  (roles.get(role) as readonly string[] | undefined)?.includes(permission) ?? false

/**
 * The same as this transaction finds them: what it says of these roles stays so until the transaction ends. To be
 * called after users were locked, by whoever gives a role or judges by one.
 */
export const holdRoles = async (
  table: RoleTable,
  work: Work,
  names: readonly string[],
): Promise<RoleTable> => {
  const { db } = work
  const asked = ofDatabase(table, names)
  if (asked.length === 0) return withNoted(table, work, names)
  // What they allow is read by statements of their own, which see what was waited for. SQLite has one writer.
  if (!isSqlite(db))
    await db
      .selectFrom('roles')
      .select('name')
      .where('name', 'in', asked)
      .orderBy('name')
      .forShare()
      .execute()
  return withNoted(await readRolesNow(table, db, asked), work, names)
}

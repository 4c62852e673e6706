import { sql } from 'kysely'
import { Refusal } from '../ground/refusal.ts'
import { listMadeRoles, type MadeRole } from '../permissions/made-roles.ts'
import { builtInRoleNames, type RoleTable } from '../permissions/roles.ts'
import type { Database } from '../storage/tables.ts'

/** Built in, declared by the application, or made by an administrator at run time. */
export type RoleKind = 'built-in' | 'declared' | 'made'

/** A role as administrators see it. */
export type Role = {
  readonly name: string
  readonly kind: RoleKind
  readonly description: string
  readonly permissions: readonly string[]
  /** Stored in a role that was made, and declared by nobody any more: these allow nothing. */
  readonly undeclared: readonly string[]
  /** How many users and services have it; {@link mostCounted} stands for so many or more. */
  readonly holders: number
  /** Of one that was made. */
  readonly createdAt: number | null
  readonly changedAt: number | null
}

/** A role may have a million holders: so many are counted. */
const mostCounted = 1_000

type Shown = Omit<Role, 'holders'>

const kindOf = ({ made }: RoleTable, name: string): RoleKind => {
  if (builtInRoleNames.includes(name)) return 'built-in'
  return made.has(name) ? 'made' : 'declared'
}

const ofCode = (table: RoleTable, name: string): Shown => ({
  name,
  kind: kindOf(table, name),
  description: '',
  permissions: [...(table.roles.get(name) ?? [])].sort(),
  undeclared: [],
  createdAt: null,
  changedAt: null,
})

export const toShown = ({ permissions: declared }: RoleTable, { permissions, ...role }: MadeRole): Shown => ({
  ...role,
  kind: 'made',
  permissions: permissions.filter(one => declared.has(one)),
  undeclared: permissions.filter(one => !declared.has(one)),
})

/** How many have each of these roles, asked at once. What an index has is counted, and no more of it than that. */
const countHoldersOf = async (db: Database, names: readonly string[]): Promise<(name: string) => number> => {
  const { rows } = await sql<{ readonly role: string; readonly holders: number }>`
    with named(role) as (values ${sql.join(names.map(name => sql`(${name})`))})
    select named.role, (select count(*) from (
      select 1 from user_roles where user_roles.role = named.role limit ${sql.lit(mostCounted)}
    ) as counted) as holders from named`.execute(db)
  const counts = new Map(rows.map(({ role, holders }) => [role, Number(holders)]))
  return name => counts.get(name) ?? 0
}

export const countHolders = async (db: Database, role: string): Promise<number> =>
  (await countHoldersOf(db, [role]))(role)

export const withHolders = async (db: Database, role: Shown): Promise<Role> => ({
  ...role,
  holders: await countHolders(db, role.name),
})

const listShown = async (table: RoleTable, db: Database): Promise<readonly Shown[]> => {
  const made = await listMadeRoles(db)
  const inCode = [...table.roles.keys()].filter(name => !table.made.has(name))
  return [
    ...inCode.map(name => ofCode(table, name)),
    ...made.filter(({ name }) => !inCode.includes(name)).map(role => toShown(table, role)),
  ]
}

/** All roles: built-in ones, those of the application, and those that were made, by name. */
export const listAllRoles = async ({
  db,
  roleTable,
}: {
  readonly db: Database
  readonly roleTable: RoleTable
}): Promise<readonly Role[]> => {
  const roles = await listShown(roleTable, db)
  const holdersOf = await countHoldersOf(
    db,
    roles.map(({ name }) => name),
  )
  return roles.map(role => ({ ...role, holders: holdersOf(role.name) }))
}

export const noSuchRole = (name: string): Refusal =>
  new Refusal('not_found', { detail: `There is no role ${JSON.stringify(name)}.` })

/** @throws Refusal `not_found` */
export const getRole = async (
  { db, roleTable }: { readonly db: Database; readonly roleTable: RoleTable },
  name: string,
): Promise<Role> => {
  const role = (await listShown(roleTable, db)).find(one => one.name === name)
  if (role === undefined) throw noSuchRole(name)
  return withHolders(db, role)
}

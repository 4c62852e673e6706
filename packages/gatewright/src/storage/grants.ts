import { type Kysely, sql } from 'kysely'

const everything = ['select', 'insert', 'update', 'delete'] as const
type Privilege = (typeof everything)[number]

/** What is recorded stays as it is: the server's role can't change or remove it. */
const exceptions: Readonly<Record<string, readonly Privilege[]>> = {
  audit_events: ['select', 'insert'],
  audit_personal: ['select', 'insert'],
  audit_seals: ['select', 'insert'],
  audit_checkpoints: ['select', 'insert'],
  audit_prunings: ['select', 'insert'],
  // Sealed anew when the secret changes.
  audit_keys: ['select', 'insert', 'update'],
}

const isOfMigrations = (table: string): boolean =>
  /_migrations$|_migration_lock$|_migration_floor$/.test(table)

const privilegesOn = (table: string): readonly Privilege[] =>
  isOfMigrations(table) ? ['select'] : (exceptions[table] ?? everything)

type Held = { readonly table: string; readonly held: readonly string[] }

/** The owner's tables, with what the role has been granted on each. */
const listTables = async <T>(db: Kysely<T>, role: string): Promise<readonly Held[]> => {
  const { rows } = await sql<Held>`
    select c.relname::text as "table",
      coalesce(array_agg(lower(a.privilege_type)) filter (where a.grantee = r.oid), '{}') as held
    from pg_class c
      join pg_roles r on r.rolname = ${role}
      left join lateral aclexplode(c.relacl) a on true
    where c.relkind = 'r' and c.relnamespace = to_regnamespace(current_schema())
      and pg_get_userbyid(c.relowner) = current_user
    group by c.relname`.execute(db)
  return rows
}

const isSame = (held: readonly string[], wanted: readonly string[]): boolean =>
  held.length === wanted.length && wanted.every(privilege => held.includes(privilege))

const grantOn = async <T>(db: Kysely<T>, role: string, table: string): Promise<void> => {
  const privileges = sql.join(privilegesOn(table).map(privilege => words[privilege]))
  await sql`revoke all on ${sql.table(table)} from ${sql.id(role)}`.execute(db)
  await sql`grant ${privileges} on ${sql.table(table)} to ${sql.id(role)}`.execute(db)
}

const words = { select: sql`select`, insert: sql`insert`, update: sql`update`, delete: sql`delete` } as const

const letSee = async <T>(db: Kysely<T>, role: string): Promise<void> => {
  const { rows } = await sql<{ schema: string; seen: boolean }>`
    select current_schema()::text as schema, has_schema_privilege(${role}, current_schema(), 'usage') as seen`.execute(
    db,
  )
  for (const { schema, seen } of rows)
    if (!seen) await sql`grant usage on schema ${sql.id(schema)} to ${sql.id(role)}`.execute(db)
}

/** Any number; two that grant at once would stop each other. */
const lock = 7_134_225_960_113

/**
 * Gives the server's role what it needs on the tables of the connected role, and takes what is more.
 * In one transaction, so that a server at work never lacks a right; what is right already is not touched.
 */
export const grantTo = <T>(owner: Kysely<T>, role: string): Promise<void> =>
  owner.transaction().execute(async db => {
    await sql`select pg_advisory_xact_lock(${lock}::bigint)`.execute(db)
    await letSee(db, role)
    for (const { table, held } of await listTables(db, role))
      if (!isSame(held, privilegesOn(table))) await grantOn(db, role, table)
  })

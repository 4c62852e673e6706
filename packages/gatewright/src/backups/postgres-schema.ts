import { Refusal } from '../ground/refusal.ts'
import { type Ask, quoteName } from './manifest.ts'

/** A column, as the catalogue tells it. */
type Column = {
  readonly name: string
  readonly type: string
  readonly notNull: boolean
  /** `a`: always counted up by the database; `d`: by default. */
  readonly identity: string
  /** Its value follows from others, and is not copied. */
  readonly generated: boolean
  readonly defaultTo: string | null
  readonly collation: string | null
}

export type Table = { readonly name: string; readonly columns: readonly Column[] }

/** What makes the tables anew: before their rows are there, and behind them. */
export type Schema = {
  readonly name: string
  readonly tables: readonly Table[]
  readonly before: readonly string[]
  readonly behind: readonly string[]
}

const own = `to_regnamespace(current_schema())`

/** What is in the schema and would be lost. */
const findForeign = `
  select c.relname::text as name, case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
      when 'f' then 'foreign table' when 'p' then 'partitioned table' else 'sequence of its own' end as kind
    from pg_class c where c.relnamespace = ${own} and (c.relkind in ('v', 'm', 'f', 'p') or c.relispartition
      or (c.relkind = 'S' and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i'))))
  union all
  select t.typname::text, 'type' from pg_type t
    where t.typnamespace = ${own} and t.typtype in ('e', 'd', 'r')
      and not exists (select from pg_depend d where d.objid = t.oid and d.deptype = 'e')
  union all
  select c.relname::text, 'table with its own rights on rows' from pg_class c
    where c.relnamespace = ${own} and c.relrowsecurity`

/** @throws Refusal `conflict` */
export const refuseForeign = async (ask: Ask): Promise<void> => {
  const [found] = await ask(findForeign)
  if (found !== undefined)
    throw new Refusal('conflict', {
      detail: `The schema has the ${found.kind} ${found.name}, which a backup of ours does not copy: use pg_dump, and restore --adopt behind it.`,
    })
}

const readColumns = `
  select c.relname::text as "table", a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type,
    a.attnotnull as "notNull", a.attidentity::text as identity, a.attgenerated <> '' as generated,
    pg_get_expr(d.adbin, d.adrelid) as "defaultTo",
    case when a.attcollation <> t.typcollation then quote_ident(l.collname) end as collation
  from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    left join pg_collation l on l.oid = a.attcollation
  where c.relnamespace = ${own} and c.relkind = 'r'
  order by c.relname, a.attnum`

const readTables = async (ask: Ask): Promise<readonly Table[]> => {
  const tables = new Map<string, Column[]>()
  for (const row of await ask(readColumns)) {
    const { table, ...column } = row as Column & { readonly table: string }
    const columns = tables.get(table) ?? []
    columns.push(column)
    tables.set(table, columns)
  }
  return [...tables].map(([name, columns]) => ({ name, columns }))
}

const toValue = ({ identity, generated, defaultTo }: Column): string => {
  if (identity !== '') return ` generated ${identity === 'a' ? 'always' : 'by default'} as identity`
  if (defaultTo === null) return ''
  return generated ? ` generated always as (${defaultTo}) stored` : ` default ${defaultTo}`
}

const toColumn = (column: Column): string => {
  const { name, type, notNull, collation } = column
  const collate = collation === null ? '' : ` collate ${collation}`
  return `${quoteName(name)} ${type}${collate}${toValue(column)}${notNull ? ' not null' : ''}`
}

const toCreate = ({ name, columns }: Table): string =>
  `create table ${quoteName(name)} (${columns.map(toColumn).join(', ')})`

/** Sequences that a column's default counts by. */
const readSequences = `
  select format('create sequence %I', s.relname) as made,
    format('alter sequence %I owned by %I.%I', s.relname, c.relname, a.attname) as owned
  from pg_class s
    join pg_depend d on d.objid = s.oid and d.deptype = 'a' and d.classid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid
    join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  where s.relkind = 'S' and s.relnamespace = ${own} order by s.relname`

/** A foreign key comes behind the keys that it refers to. */
const readConstraints = `
  select format('alter table %I add constraint %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid)) as made
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  where c.relnamespace = ${own} and c.relkind = 'r' and k.contype in ('p', 'u', 'c', 'x', 'f')
  order by k.contype = 'f', c.relname, k.conname`

const readIndexes = `
  select pg_get_indexdef(i.indexrelid) as made
  from pg_index i join pg_class c on c.oid = i.indrelid
  where c.relnamespace = ${own} and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
  order by i.indexrelid::regclass::text`

const readFunctions = `
  select pg_get_functiondef(p.oid) as made from pg_proc p
  where p.pronamespace = ${own} and p.prokind in ('f', 'p')
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  order by p.proname`

const readTriggers = `
  select pg_get_triggerdef(t.oid) as made
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where c.relnamespace = ${own} and not t.tgisinternal order by c.relname, t.tgname`

/**
 * Reads from the catalogue what makes every table of the schema anew, those of an application included, with
 * functions, triggers, indexes and constraints.
 * @throws Refusal `conflict` that names what a schema has beside that
 */
export const readSchema = async (ask: Ask): Promise<Schema> => {
  await refuseForeign(ask)
  const texts = async (statement: string, field = 'made'): Promise<readonly string[]> =>
    (await ask(statement)).map(row => String(row[field]))
  const [row] = await ask('select current_schema()::text as name')
  const tables = await readTables(ask)
  return {
    name: String(row?.name),
    tables,
    before: [
      ...(await texts(readSequences)),
      ...(await texts(readFunctions)),
      ...tables.map(toCreate),
      ...(await texts(readSequences, 'owned')),
    ],
    behind: [
      ...(await texts(readConstraints)),
      ...(await texts(readIndexes)),
      ...(await texts(readTriggers)),
    ],
  }
}

/** To each column that the database counts up how far it has come. */
export const readCounters = `
  select c.relname::text as "table", a.attname::text as "column",
    case when has_sequence_privilege(s.oid, 'select') then pg_sequence_last_value(s.oid) end as last
  from pg_class s
    join pg_depend d on d.objid = s.oid and d.deptype in ('a', 'i') and d.classid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid
    join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  where s.relkind = 'S' and s.relnamespace = ${own}`

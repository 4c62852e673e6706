import {
  DummyDriver,
  Kysely,
  type LogEvent,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import { isSqlite } from './columns.ts'
import { type MigrationSet, pendingMigrations, type Step } from './migrate.ts'

/** Who waits for the steps while they run, from the strictest on. */
const waits = [
  'whoever reads or writes it',
  'whoever writes it',
  'whoever writes the same rows',
  'nobody',
] as const
export type Waits = (typeof waits)[number]

/** What steps do to a table that is there already. */
export type Change = {
  readonly table: string
  /** How many rows it has: counted in SQLite, estimated by PostgreSQL. */
  readonly rows: number
  readonly waits: Waits
}

export type PlannedStep = {
  readonly name: string
  /** The version before can be started again on what it leaves. */
  readonly expands: boolean
  readonly changes: readonly Change[]
  /** What it does does not hang on what stands in the tables, so nothing is missing here. */
  readonly isWhole: boolean
}

const name = String.raw`(?:if (?:not )?exists )?"?(\w+)"?`

/** What PostgreSQL locks, by the form of a statement. In SQLite all who write wait for the whole. */
const kinds: readonly { readonly form: RegExp; readonly waits: Waits }[] = [
  { form: new RegExp(`^(?:alter|drop) table ${name}`, 'is'), waits: 'whoever reads or writes it' },
  { form: new RegExp(`^create (?:unique )?index .*? on ${name}`, 'is'), waits: 'whoever writes it' },
  { form: new RegExp(`^create trigger .*? on ${name}`, 'is'), waits: 'whoever writes it' },
  { form: new RegExp(`^(?:update|delete from) ${name}`, 'is'), waits: 'whoever writes the same rows' },
  { form: new RegExp(`^insert into ${name}`, 'is'), waits: 'nobody' },
]

type Touched = { readonly table: string; readonly waits: Waits }

const toTouched = (statement: string): readonly Touched[] =>
  kinds.flatMap(({ form, waits }) => {
    const [, table] = form.exec(statement) ?? []
    return table === undefined ? [] : [{ table, waits }]
  })

const dialects = {
  sqlite: {
    createAdapter: () => new SqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
  },
  postgres: {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
  },
} as const

/** Runs a step against nothing, which answers every query with no rows, and gives what it would have asked. */
const foresee = async ({ up }: Step, kind: keyof typeof dialects) => {
  const statements: string[] = []
  const nothing = new Kysely<unknown>({
    dialect: { ...dialects[kind], createDriver: () => new DummyDriver() },
    log: ({ query }: LogEvent) => void statements.push(query.sql.trim()),
  })
  const isDone = await up(nothing).then(
    () => true,
    () => false,
  )
  const isWhole = isDone && !statements.some(statement => /^select/i.test(statement))
  return { isWhole, touched: statements.flatMap(toTouched) }
}

type Counted = { readonly name: string; readonly rows: string | number }

/** The tables that are there, with their rows. */
const countRows = async <T>(db: Kysely<T>, tables: readonly string[]): Promise<readonly Counted[]> => {
  if (!isSqlite(db)) {
    const { rows } = await sql<Counted>`
      select relname::text as name, greatest(reltuples, 0)::bigint as rows from pg_class
      where relkind = 'r' and relnamespace = to_regnamespace(current_schema())
        and relname = any(${[...tables]}::text[])`.execute(db)
    return rows
  }
  const { rows: there } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table'`.execute(db)
  const found = there.filter(({ name }) => tables.includes(name))
  const count = async ({ name }: { readonly name: string }) => {
    const { rows } = await sql<Counted>`
      select ${name} as name, count(*) as rows from ${sql.table(name)}`.execute(db)
    return rows
  }
  return (await Promise.all(found.map(count))).flat()
}

const toChanges = async <T>(db: Kysely<T>, touched: readonly Touched[]): Promise<readonly Change[]> => {
  const strictest = (table: string): Waits =>
    waits.find(one => touched.some(other => other.table === table && other.waits === one)) ?? 'nobody'
  const counted = await countRows(db, [...new Set(touched.map(({ table }) => table))])
  return counted.map(({ name, rows }) => ({ table: name, rows: Number(rows), waits: strictest(name) }))
}

/**
 * What `migrate` would do, step by step: nothing is run and nothing is locked. Tables that no step before has made are
 * left out of a step that changes them.
 */
export const planMigrations = async <T>(
  db: Kysely<T>,
  set: MigrationSet,
): Promise<readonly PlannedStep[]> => {
  const kind = isSqlite(db) ? 'sqlite' : 'postgres'
  const plan: PlannedStep[] = []
  for (const name of await pendingMigrations(db, set)) {
    const step = set.migrations[name]
    if (step === undefined) continue
    const { isWhole, touched } = await foresee(step, kind)
    plan.push({ name, expands: step.expands === true, changes: await toChanges(db, touched), isWhole })
  }
  return plan
}

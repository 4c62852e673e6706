import { type Kysely, type RawBuilder, sql } from 'kysely'
import { idColumn, isSqlite, millisecondsColumn } from '../columns.ts'

/** Which rows a recorded pruning covers, which may be deleted; `old` is the row. */
const pruned = sql<boolean>`exists (
  select 1 from audit_prunings p where old.position between p.from_position and p.to_position)`
const prunedEvent = sql<boolean>`exists (select 1 from audit_seals s join audit_prunings p
  on s.position between p.from_position and p.to_position where s.event_id = old.id)`

/** A later pruning says all that one before it said. */
const followed = sql<boolean>`exists (select 1 from audit_prunings p where p.to_position > old.to_position)`
const followedBeginning = sql<boolean>`old.kind = 'beginning'
  and exists (select 1 from audit_prunings p where p.to_position > old.position)`

type Rule = {
  readonly table: string
  /** The number of a row. */
  readonly key: string
  /** Absent where none is ever deleted. */
  readonly covered?: RawBuilder<boolean>
  /** The columns that stay, where others may be changed. */
  readonly fixed?: readonly string[]
}

const rules: readonly Rule[] = [
  { table: 'audit_events', key: 'id', covered: prunedEvent },
  { table: 'audit_seals', key: 'position', covered: pruned },
  {
    table: 'audit_checkpoints',
    key: 'id',
    covered: sql`(old.kind = 'checkpoint' and ${pruned}) or (${followedBeginning})`,
  },
  { table: 'audit_prunings', key: 'id', covered: followed },
  { table: 'audit_keys', key: 'id', fixed: ['id', 'public_key', 'created_at'] },
]

const messageOf = (table: string): RawBuilder<unknown> =>
  sql.lit(`${table}: what is recorded is neither changed nor removed`)

const updateOf = ({ fixed }: Rule): RawBuilder<unknown> =>
  fixed === undefined ? sql`update` : sql`update of ${sql.join(fixed.map(name => sql.ref(name)))}`

/** `insert or replace` takes a row away without a word to the triggers of deleting: a taken number is refused. */
const onSqlite = (rule: Rule): readonly RawBuilder<unknown>[] => {
  const { table, key, covered = sql`false` } = rule
  const refuse = sql`begin select raise(abort, ${messageOf(table)}); end`
  const [on, number] = [sql.table(table), sql.ref(key)]
  return [
    sql`create trigger ${sql.id(`${table}_stay`)} before ${updateOf(rule)} on ${on} ${refuse}`,
    sql`create trigger ${sql.id(`${table}_kept`)} before delete on ${on} when not (${covered}) ${refuse}`,
    sql`create trigger ${sql.id(`${table}_once`)} before insert on ${on}
      when exists (select 1 from ${on} where ${number} = new.${number}) ${refuse}`,
  ]
}

const onPostgres = (rule: Rule): readonly RawBuilder<unknown>[] => {
  const { table, covered = sql`false` } = rule
  const refuse = sql`raise exception ${messageOf(table)} using errcode = '23001'`
  const [on, stay, kept] = [sql.table(table), sql.id(`${table}_stay`), sql.id(`${table}_kept`)]
  const whole = sql.id(`${table}_whole`)
  return [
    sql`create function ${stay}() returns trigger language plpgsql as $$ begin ${refuse}; end $$`,
    sql`create function ${kept}() returns trigger language plpgsql as
      $$ begin if ${covered} then return old; end if; ${refuse}; end $$`,
    sql`create trigger ${stay} before ${updateOf(rule)} on ${on} for each statement execute function ${stay}()`,
    sql`create trigger ${whole} before truncate on ${on} for each statement execute function ${stay}()`,
    sql`create trigger ${kept} before delete on ${on} for each row execute function ${kept}()`,
  ]
}

/** The chain of audit events, and what is signed of it. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .createTable('audit_seals')
    .addColumn('position', milliseconds, column => column.primaryKey())
    .addColumn('event_id', milliseconds, column => column.notNull().unique())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('previous_hash', 'text', column => column.notNull().unique())
    .execute()
  await db.schema
    .createTable('audit_keys')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('public_key', 'text', column => column.notNull())
    .addColumn('private_key', 'text', column => column.notNull())
    .addColumn('active', 'integer', column => column.unique())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('retired_at', milliseconds)
    .execute()
  await idColumn(db, db.schema.createTable('audit_checkpoints'), 'id')
    .addColumn('position', milliseconds, column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('at', milliseconds, column => column.notNull())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('key_id', 'text', column => column.notNull())
    .addColumn('signature', 'text', column => column.notNull())
    .addUniqueConstraint('audit_checkpoints_once', ['position', 'kind', 'key_id'])
    .execute()
  await idColumn(db, db.schema.createTable('audit_prunings'), 'id')
    .addColumn('from_position', milliseconds, column => column.notNull())
    .addColumn('to_position', milliseconds, column => column.notNull().unique())
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('at', milliseconds, column => column.notNull())
    .execute()
  await db.schema
    .createTable('audit_deliveries')
    .addColumn('checkpoint_id', milliseconds, column => column.primaryKey())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('due_at', milliseconds, column => column.notNull())
    .addColumn('problem', 'text')
    .addColumn('delivered_at', milliseconds)
    .execute()
  await db.schema
    .createIndex('audit_deliveries_due')
    .on('audit_deliveries')
    .column('due_at')
    .where(sql.ref('delivered_at'), 'is', null)
    .execute()
  const statements = rules.flatMap(isSqlite(db) ? onSqlite : onPostgres)
  for (const statement of statements) await statement.execute(db)
}

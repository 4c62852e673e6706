import type { Heading } from './sealed-file.ts'

/** What a backup says of itself, before anything else in it. */
export type Manifest = Heading & {
  readonly gatewright: 'backup'
  readonly database: 'sqlite' | 'postgres'
  /** Of Gatewright. */
  readonly version: string
  /** RFC 3339. */
  readonly made_at: string
  /** When the installation was made: the same through all restores. */
  readonly installation: number
  readonly epoch: string
  /** The newest place of the feed. */
  readonly place: number
  /** How far the chain of the audit log had come. */
  readonly sealed_to: number
  /** To each table of migrations the steps that have run. */
  readonly migrations: Readonly<Record<string, readonly string[]>>
  /** PostgreSQL's, in which the tables are. */
  readonly schema?: string
}

/** The last part: to each table how many rows were copied. */
export type Counts = { readonly tables: Readonly<Record<string, number>> }

const isMigrationsTable = (table: string): boolean => table.endsWith('_migrations')

type Row = Readonly<Record<string, unknown>>
/** Asks the copy, or the database in the snapshot that is copied. */
export type Ask = (sql: string) => Promise<readonly Row[]>

/** As one identifier of SQL. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

export type Facts = Pick<Manifest, 'installation' | 'epoch' | 'place' | 'sealed_to' | 'migrations'> & {
  readonly secretId: string
}

const readMigrations = async (ask: Ask, tables: readonly string[]): Promise<Manifest['migrations']> => {
  const steps: Record<string, readonly string[]> = {}
  for (const table of tables.filter(isMigrationsTable)) {
    const rows = await ask(`select name from ${quoteName(table)} order by name`)
    steps[table] = rows.map(({ name }) => String(name))
  }
  return steps
}

/** What a copy is a copy of. */
export const readFacts = async (ask: Ask, tables: readonly string[]): Promise<Facts> => {
  const [row = {}] = await ask(`select i.created_at, i.epoch, i.secret_id,
    (select coalesce(max(place), 0) from cut_offs) as place,
    (select coalesce(max(position), 0) from audit_seals) as sealed_to
    from installation i`)
  return {
    installation: Number(row.created_at),
    epoch: String(row.epoch),
    place: Number(row.place),
    sealed_to: Number(row.sealed_to),
    secretId: String(row.secret_id),
    migrations: await readMigrations(ask, tables),
  }
}

export const countRows = async (ask: Ask, tables: readonly string[]): Promise<Counts> => {
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const [row] = await ask(`select count(*) as rows from ${quoteName(table)}`)
    counts[table] = Number(row?.rows)
  }
  return { tables: counts }
}

import { type Kysely, sql } from 'kysely'

/** What a PostgreSQL server says of itself, and of the role that asks. */
export type ServerFacts = {
  readonly role: string
  /** `server_version_num`: 180004 is 18.4. */
  readonly version: number
  readonly versionText: string
  readonly isStandby: boolean
  readonly encoding: string
  readonly fsync: string
  readonly fullPageWrites: string
  /** The role's own, which each of our connections raises. */
  readonly synchronousCommit: string
  readonly maxConnections: number
  /** Servers that copy this one, and those of them that a commit waits for. */
  readonly standbys: number
  readonly synchronousStandbys: string
  readonly isEncrypted: boolean
  /** What the role may do to audit events, beside reading and adding them; empty where it may not. */
  readonly auditRights: readonly string[]
}

const auditRights = ['update', 'delete', 'truncate']

export const readServerFacts = async <T>(db: Kysely<T>): Promise<ServerFacts> => {
  const { rows } = await sql<ServerFacts>`
    select current_user::text as role,
      current_setting('server_version_num')::int as version,
      current_setting('server_version') as "versionText",
      pg_is_in_recovery() as "isStandby",
      current_setting('server_encoding') as encoding,
      current_setting('fsync') as fsync,
      current_setting('full_page_writes') as "fullPageWrites",
      (select reset_val from pg_settings where name = 'synchronous_commit') as "synchronousCommit",
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as "maxConnections",
      (select count(*)::int from pg_stat_replication) as standbys,
      current_setting('synchronous_standby_names') as "synchronousStandbys",
      coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as "isEncrypted",
      array(
        select r from unnest(${auditRights}::text[]) r
        where has_table_privilege(to_regclass('audit_events'), r)
      ) as "auditRights"`.execute(db)
  const [facts] = rows
  if (facts === undefined) throw new TypeError('a select without from gives one row')
  return facts
}

/** The oldest version whose rules of transactions and grants this was written for. */
const leastVersion = 15

const weakenings = [
  ['fsync', ({ fsync }: ServerFacts) => fsync],
  ['full_page_writes', ({ fullPageWrites }: ServerFacts) => fullPageWrites],
] as const

/** Settings of the server with which a power cut undoes, or breaks, what was answered. */
export const findWeakenings = (facts: ServerFacts): readonly string[] =>
  weakenings
    .filter(([, read]) => read(facts) === 'off')
    .map(
      ([name]) =>
        `${name} is off on the PostgreSQL server: a power cut can undo what was answered, also a logout, or damage the database. Write ${name} = on in postgresql.conf.`,
    )

/** Why this server can't be used at all, one line each. */
export const findFaults = ({ version, versionText, isStandby, encoding }: ServerFacts): readonly string[] => [
  ...(version >= leastVersion * 10_000
    ? []
    : [
        `the PostgreSQL server of DATABASE_URL is too old, ${versionText}: write the address of one of ${leastVersion} or newer`,
      ]),
  ...(isStandby
    ? [
        'the PostgreSQL server of DATABASE_URL is a stand-by, which only reads: write the address of the primary',
      ]
    : []),
  ...(encoding === 'UTF8'
    ? []
    : [
        `the database of DATABASE_URL has the encoding ${encoding}, which can't hold every name: make one with "create database … encoding 'UTF8' template template0"`,
      ]),
]

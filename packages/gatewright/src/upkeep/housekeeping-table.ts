import { usesKeptFor } from '../access-review/permission-uses.ts'
import { day, hour } from '../ground/clock.ts'
import { keyLifetime } from '../idempotency/once.ts'
import { deviceLifetime } from '../sessions/known-devices.ts'
import { hoursKeptFor } from '../statistics/steps.ts'
import type { Tables } from '../storage/tables.ts'

type Name = keyof Tables
type Column<Table extends Name> = keyof Tables[Table] & string

/** A table whose rows are kept; `time` finds its oldest row: a column with an index, where the rows are many. */
type Kept<Table extends Name> = { readonly table: Table; readonly time?: Column<Table>; readonly why: string }

/** A table whose rows are deleted `keptFor` milliseconds after their `time`. */
type Swept<Table extends Name> = {
  readonly table: Table
  readonly key: readonly Column<Table>[]
  /** Has an index. */
  readonly time: Column<Table>
  readonly keptFor: number
  /** How many of the column's units are a millisecond, where it counts in finer ones. */
  readonly ticks?: number
  /** Only rows in which this is set. */
  readonly only?: Column<Table>
  readonly why: string
}

export type KeptTable = { [Table in Name]: Kept<Table> }[Name]
export type SweptTable = { [Table in Name]: Swept<Table> }[Name]

/** A late client is still told that its session has ended, and not that nobody knows its token. */
const lateClients = 7 * day
/** mechanisms.md: rows of the feed stay at least a day after they stop mattering. */
const lateReaders = day
/** Nobody who has just judged a row finds it gone. */
const margin = hour

/**
 * Every table, and how long its rows are kept. Rows are deleted in this order, so a table stands above
 * those that it refers to. A new table is a row here; a test finds one that has none.
 */
export const housekeepingTable = [
  {
    table: 'idempotency_keys',
    key: ['principal_kind', 'principal_id', 'route', 'key'],
    time: 'created_at',
    keptFor: keyLifetime + margin,
    why: 'A key stands for its answer for 24 hours, which each use of it checks by itself.',
  },
  {
    table: 'limit_counters',
    key: ['key'],
    time: 'tat',
    ticks: 1_000,
    keptFor: margin,
    why: 'A counter whose time has passed stands as if nobody had ever come.',
  },
  {
    table: 'setup_links',
    key: ['id'],
    time: 'expires_at',
    keptFor: margin,
    why: 'One link at most, which is deleted when it is used; one past its time opens nothing.',
  },
  {
    table: 'codes',
    key: ['id'],
    time: 'expires_at',
    keptFor: margin,
    why: 'Codes and links that are open: one that is used is deleted, and one past its time opens nothing.',
  },
  {
    table: 'mails',
    key: ['id'],
    time: 'forgotten_at',
    keptFor: 0,
    why: 'Until it is sent. What it says is erased when it was sent, and the row a week later; what was given up stays for 30 days, to be tried again.',
  },
  {
    table: 'totp_enrolments',
    key: ['session_id'],
    time: 'expires_at',
    keptFor: margin,
    why: 'The secret of an authenticator app that has shown no code yet, for ten minutes.',
  },
  {
    table: 'cut_offs',
    key: ['place'],
    time: 'matters_until',
    keptFor: lateReaders,
    why: 'Each matters until the last token that it names has expired; a day more, for readers and clocks that are late.',
  },
  {
    table: 'sessions',
    key: ['id'],
    time: 'expires_at',
    only: 'ended_at',
    keptFor: lateClients,
    why: 'An ended session is known until the absolute end that it was born with, for so long somebody may hold a token or a cookie of it, and a week more. Then both are refused as unknown. Why it ended stands in the audit events.',
  },
  {
    table: 'reserved_usernames',
    key: ['username_hash'],
    time: 'until',
    keptFor: 0,
    why: 'The name of a deleted user is given to nobody else for a year.',
  },
  {
    table: 'sign_in_throttles',
    key: ['key'],
    time: 'forgotten_at',
    keptFor: 0,
    why: 'A counter of sign-ins that were tried is forgotten a day after the last one that was checked.',
  },
  {
    table: 'sign_in_marks',
    key: ['subject', 'pattern', 'mark'],
    time: 'forgotten_at',
    keptFor: 0,
    why: 'What failed sign-ins have in common, for the window of its pattern, a day at most; of an administrator the networks of the last 90 days.',
  },
  {
    table: 'unusual',
    key: ['subject', 'pattern'],
    time: 'raised_at',
    keptFor: 30 * day,
    why: 'When a pattern was last seen; each time stands in the audit events.',
  },
  {
    table: 'known_devices',
    key: ['id'],
    time: 'last_used_at',
    keptFor: deviceLifetime,
    why: 'A browser that nobody has signed in with for a year is a new one.',
  },
  {
    table: 'statistics_hours',
    key: ['start'],
    time: 'start',
    keptFor: hoursKeptFor,
    why: 'What was counted in an hour, of nobody by name, is shown for 90 days.',
  },
  {
    table: 'statistics_minutes',
    time: 'start',
    why: 'A day and an hour; then a task adds them to their hours.',
  },
  {
    table: 'passkeys',
    why: 'Until its owner removes it, or the account is deleted: twenty of a user at most.',
  },
  {
    table: 'hook_events',
    time: 'due_at',
    why: 'Until it is delivered, or its hook is no longer declared. What was given up is work not done: the doctor shows it, and a start tries it again.',
  },
  {
    table: 'totp_factors',
    why: 'Until its owner removes it, an administrator resets the factors, or the account is deleted.',
  },
  { table: 'recovery_codes', why: 'Until one is used, a new set is made, or the last second factor goes.' },
  {
    table: 'api_keys',
    key: ['id'],
    time: 'ended_at',
    keptFor: lateClients,
    why: 'A key that has ended is refused as such for a week, and as unknown after it. Why it ended stands in the audit events.',
  },
  {
    table: 'permission_uses',
    key: ['holder_kind', 'holder_id', 'permission'],
    time: 'last_day',
    keptFor: usesKeptFor,
    why: 'The last day on which a permission was used, for the access review; what was not used for 400 days stands there as unused. Deleted with its user or role.',
  },
  { table: 'role_permissions', why: 'Until its role is deleted, or loses the permission.' },
  { table: 'roles', why: 'Until an administrator deletes it.' },
  { table: 'identities', why: 'Until it is unlinked, or the account is deleted.' },
  { table: 'blocked_issuers', why: 'Until it is no longer blocked.' },
  { table: 'declared_hooks', why: 'As the last start declared them.' },
  { table: 'declared_permissions', why: 'As the last start declared them.' },
  { table: 'declared_role_permissions', why: 'As the last start declared them.' },
  { table: 'declared_roles', why: 'As the last start declared them.' },
  { table: 'user_roles', why: 'Until the account is deleted.' },
  {
    table: 'users',
    time: 'created_at',
    why: 'For ever: of a deleted user an empty row, so that the id is never given again and what an application hangs on it stays whole.',
  },
  {
    table: 'signing_keys',
    time: 'created_at',
    why: 'The key ring deletes them itself, 90 days after they are gone: as long as a token may name one.',
  },
  {
    table: 'audit_events',
    time: 'at',
    why: 'Longer than AUDIT_RETENTION (400 days): then deleted from the beginning of the chain, with a signed record of it. Where another role owns the tables: gatewright audit prune.',
  },
  { table: 'audit_seals', why: 'Each with its event.' },
  { table: 'audit_deliveries', why: 'Each with its checkpoint.' },
  {
    table: 'audit_checkpoints',
    why: 'Each with the event at its position; the one that the chain begins with, until the next one.',
  },
  {
    table: 'audit_keys',
    why: 'For ever: without the public half of a key nobody can check what it has signed. The private half is erased when the next key follows it.',
  },
  {
    table: 'audit_prunings',
    why: 'The last one: up to where the chain was deleted. Those before it stand in the audit events.',
  },
  {
    table: 'audit_personal',
    why: 'As long as its event, or until it is erased: when the user is deleted, when a person asks for it, and of counted refusals after 90 days.',
  },
  {
    table: 'processes',
    time: 'started_at',
    why: 'The register takes its own rows out: each when its process ends, or was silent for half a minute.',
  },
  { table: 'installation', why: 'For ever: one row.' },
  { table: 'leases', why: 'For ever: one row for each work that one process at a time does.' },
  { table: 'housekeeping', why: 'For ever: one row for each task.' },
] as const satisfies readonly (KeptTable | SweptTable)[]

/** Those whose rows are deleted, in their order. */
export const sweptTables: readonly SweptTable[] = housekeepingTable.filter(row => 'keptFor' in row)

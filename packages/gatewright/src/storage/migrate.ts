import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { up as first } from './migrations/0001-first.ts'
import { up as cookieSessions } from './migrations/0002-cookie-sessions.ts'
import { up as idempotencyKeys } from './migrations/0003-idempotency-keys.ts'
import { up as userFieldsAndHooks } from './migrations/0004-user-fields-and-hooks.ts'
import { up as declaredRoles } from './migrations/0005-declared-roles.ts'
import { up as keyRing } from './migrations/0006-key-ring.ts'
import { up as processes } from './migrations/0007-processes.ts'
import { up as housekeeping } from './migrations/0008-housekeeping.ts'
import { up as sessions } from './migrations/0009-sessions.ts'
import { up as identity } from './migrations/0010-identity.ts'
import { up as limitCounters } from './migrations/0011-limit-counters.ts'
import { up as throttlesAndDevices } from './migrations/0012-throttles-and-devices.ts'
import { up as addressTrouble } from './migrations/0013-address-trouble.ts'
import { up as codes } from './migrations/0014-codes.ts'
import { up as mail } from './migrations/0015-mail.ts'
import { up as factors } from './migrations/0016-factors.ts'
import { up as passkeys } from './migrations/0017-passkeys.ts'
import { up as invitations } from './migrations/0018-invitations.ts'
import { up as review } from './migrations/0019-review.ts'
import { up as permissions } from './migrations/0021-permissions.ts'
import { up as declaredPermissions } from './migrations/0022-declared-permissions.ts'
import { up as apiKeys } from './migrations/0023-api-keys.ts'
import { up as userLists } from './migrations/0024-user-lists.ts'
import { up as servicesAndSessions } from './migrations/0025-services-and-sessions.ts'
import { up as countedEvents } from './migrations/0026-counted-events.ts'
import { up as listedUsers } from './migrations/0027-listed-users.ts'
import { up as formerPasswords } from './migrations/0028-former-passwords.ts'
import { up as givenUpMails } from './migrations/0029-given-up-mails.ts'
import { up as auditFields } from './migrations/0030-audit-fields.ts'
import { up as sealedAudit } from './migrations/0031-sealed-audit.ts'
import { up as permissionUses } from './migrations/0033-permission-uses.ts'
import { up as unusualSignIns } from './migrations/0034-unusual-sign-ins.ts'
import { up as statistics } from './migrations/0035-statistics.ts'

const ownMigrations: Record<string, Step> = {
  '0001-first': { up: first },
  '0002-cookie-sessions': { up: cookieSessions },
  '0003-idempotency-keys': { up: idempotencyKeys },
  '0004-user-fields-and-hooks': { up: userFieldsAndHooks },
  '0005-declared-roles': { up: declaredRoles },
  '0006-key-ring': { up: keyRing },
  '0007-processes': { up: processes },
  '0008-housekeeping': { up: housekeeping },
  '0009-sessions': { up: sessions },
  '0010-identity': { up: identity },
  '0011-limit-counters': { up: limitCounters },
  '0012-throttles-and-devices': { up: throttlesAndDevices },
  '0013-address-trouble': { up: addressTrouble },
  '0014-codes': { up: codes },
  '0015-mail': { up: mail },
  '0016-factors': { up: factors },
  '0017-passkeys': { up: passkeys },
  '0018-invitations': { up: invitations },
  '0019-review': { up: review },
  '0021-permissions': { up: permissions },
  '0022-declared-permissions': { up: declaredPermissions },
  '0023-api-keys': { up: apiKeys },
  '0024-user-lists': { up: userLists },
  '0025-services-and-sessions': { up: servicesAndSessions },
  '0026-counted-events': { up: countedEvents },
  '0027-listed-users': { up: listedUsers },
  '0028-former-passwords': { up: formerPasswords },
  '0029-given-up-mails': { up: givenUpMails },
  '0030-audit-fields': { up: auditFields },
  '0031-sealed-audit': { up: sealedAudit },
  '0033-permission-uses': { up: permissionUses },
  '0034-unusual-sign-ins': { up: unusualSignIns },
  '0035-statistics': { up: statistics },
  // It changes no table: what stands before it is where versions begin that can be gone back to.
  '0037-floor': { up: async () => {} },
}

/** One change of the tables. */
export type Step = Migration & {
  /**
   * The version before it goes on with the tables as this step leaves them, and may be started on them again: it only
   * adds what that version can pass over. Without a word, going back behind it is refused.
   */
  readonly expands?: true
}

export type MigrationSet = {
  /** Prefix of the three tables that remember what has run. */
  readonly owner: string
  /** By name, in alphabetical order; never changed once released. */
  readonly migrations: Record<string, Step>
}

export const engineMigrations: MigrationSet = { owner: 'gatewright', migrations: ownMigrations }

const floorOf = (owner: string) => sql.table(`${owner}_migration_floor`)

const noteFloor = async <T>(db: Kysely<T>, owner: string, step: string): Promise<void> => {
  await sql`create table if not exists ${floorOf(owner)} (step text not null)`.execute(db)
  await sql`delete from ${floorOf(owner)}`.execute(db)
  await sql`insert into ${floorOf(owner)} (step) values (${step})`.execute(db)
}

/** The last step behind which nobody goes back says so in the database, in the transaction that runs it. */
const withFloor = ({ owner, migrations }: MigrationSet): Record<string, Migration> => {
  const [name, step] = Object.entries(migrations).findLast(([, { expands }]) => expands !== true) ?? []
  if (name === undefined || step === undefined) return migrations
  const up: Migration['up'] = async db => {
    await step.up(db)
    await noteFloor(db, owner, name)
  }
  return { ...migrations, [name]: { up } }
}

/** SQLite and PostgreSQL on a table that is not there. */
const isNoTable = (error: unknown): boolean =>
  error instanceof Error &&
  (('code' in error && error.code === '42P01') || /no such table/.test(error.message))

const namesIn = async <T>(db: Kysely<T>, query: ReturnType<typeof sql<{ name: string }>>) => {
  try {
    const { rows } = await query.execute(db)
    return rows.map(({ name }) => name)
  } catch (error) {
    if (isNoTable(error)) return []
    throw error
  }
}

/** What a newer version did to the tables of a set. */
export type Newer = {
  /** The names of its steps, which this version does not know. */
  readonly steps: readonly string[]
  /** Every one of them expands, so this version may serve on what they left. */
  readonly goesOn: boolean
}

/** Steps that have run and are none of ours; `steps` is empty where there are none. */
export const findNewer = async <T>(db: Kysely<T>, { owner, migrations }: MigrationSet): Promise<Newer> => {
  const run = await namesIn(db, sql`select name from ${sql.table(`${owner}_migrations`)} order by name`)
  const floor = await namesIn(db, sql`select step as name from ${floorOf(owner)}`)
  const isKnown = (name: string): boolean => Object.hasOwn(migrations, name)
  const hasAll = Object.keys(migrations).every(name => run.includes(name))
  return {
    steps: run.filter(name => !isKnown(name)),
    goesOn: hasAll && floor.length > 0 && floor.every(isKnown),
  }
}

const createMigrator = <T>(db: Kysely<T>, { owner, migrations }: MigrationSet): Migrator =>
  new Migrator({
    db: db as unknown as Kysely<unknown>,
    provider: { getMigrations: async () => withFloor({ owner, migrations }) },
    migrationTableName: `${owner}_migrations`,
    migrationLockTableName: `${owner}_migration_lock`,
  })

/** Kysely's words for a step that has run and is none of ours. */
const unknownStep = /previously executed migration \S+ is missing/

const isUnknownStep = (error: unknown): boolean => error instanceof Error && unknownStep.test(error.message)

/** Goes on with the tables of a newer version where those allow it. */
const goOn = async <T>(db: Kysely<T>, set: MigrationSet, cause: unknown): Promise<readonly string[]> => {
  const { steps, goesOn } = await findNewer(db, set)
  if (goesOn) return steps
  throw new Error(
    `the database of DATABASE_URL has the step ${steps[0]} of ${set.owner}, which this version does not know: start the newer version, or restore a backup from before it`,
    { cause },
  )
}

/**
 * Brings the tables of `set` up to date, forward only, all steps in one transaction. Any number of
 * processes may call it at once: one does the work, the others find it done. On tables of a newer version whose
 * steps all expand nothing is done.
 * @returns the steps of that newer version; empty where this one is the newest
 * @throws Error of a step that failed, with nothing changed; and in one line, where a newer version ran whose tables
 *   this one can't use
 */
export const migrate = async <T>(db: Kysely<T>, set: MigrationSet): Promise<readonly string[]> => {
  const { error } = await createMigrator(db, set).migrateToLatest()
  if (error === undefined) return []
  if (isUnknownStep(error)) return goOn(db, set, error)
  throw error
}

/** The names of the steps that have not run. */
export const pendingMigrations = async <T>(db: Kysely<T>, set: MigrationSet): Promise<readonly string[]> => {
  const all = await createMigrator(db, set).getMigrations()
  return all.filter(step => step.executedAt === undefined).map(step => step.name)
}

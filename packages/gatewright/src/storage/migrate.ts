import type { Kysely } from 'kysely'
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

const ownMigrations: Record<string, Migration> = {
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
}

export type MigrationSet = {
  /** Prefix of the two tables that remember what has run. */
  readonly owner: string
  /** By name, in alphabetical order; never changed once released. */
  readonly migrations: Record<string, Migration>
}

export const engineMigrations: MigrationSet = { owner: 'gatewright', migrations: ownMigrations }

const createMigrator = <T>(db: Kysely<T>, { owner, migrations }: MigrationSet): Migrator =>
  new Migrator({
    db: db as unknown as Kysely<unknown>,
    provider: { getMigrations: async () => migrations },
    migrationTableName: `${owner}_migrations`,
    migrationLockTableName: `${owner}_migration_lock`,
  })

/** Kysely's words for a step that has run and is none of ours. */
const unknownStep = /previously executed migration (\S+) is missing/

const explainNewer = (error: unknown, { owner }: MigrationSet): unknown => {
  const [, step] = unknownStep.exec(error instanceof Error ? error.message : '') ?? []
  if (step === undefined) return error
  return new Error(
    `the database has the step ${step} of ${owner}, which this version does not know: start the newer version, or restore a backup from before it`,
    { cause: error },
  )
}

/**
 * Brings the tables of `set` up to date, forward only, all steps in one transaction. Any number of
 * processes may call it at once: one does the work, the others find it done.
 * @throws Error of a step that failed, with nothing changed; and in one line, where a newer version ran
 */
export const migrate = async <T>(db: Kysely<T>, set: MigrationSet): Promise<void> => {
  const { error } = await createMigrator(db, set).migrateToLatest()
  if (error !== undefined) throw explainNewer(error, set)
}

/** The names of the steps that have not run. */
export const pendingMigrations = async <T>(db: Kysely<T>, set: MigrationSet): Promise<readonly string[]> => {
  const all = await createMigrator(db, set).getMigrations()
  return all.filter(step => step.executedAt === undefined).map(step => step.name)
}

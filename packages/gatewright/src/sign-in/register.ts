import type { AuditEventName } from '../audit/events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import type { QueueCaller } from '../ground/bounded-queue.ts'
import type { Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Settings } from '../ground/settings.ts'
import { emitHook, type HookDependencies } from '../hooks/emit.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import { defaultRole } from '../permissions/roles.ts'
import type { Processes } from '../processes/processes.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { noteAdministrator } from '../users/administrators.ts'
import type { BreachNote } from '../users/breach-check.ts'
import type { Locale } from '../users/locale.ts'
import { checkNewPassword, type NewPasswordDependencies, noteBreach } from '../users/new-password.ts'
import { findPasswordErrors, parsePassword } from '../users/password.ts'
import type { PasswordHash, PasswordHasher } from '../users/password-hasher.ts'
import type { UserFieldValues } from '../users/user-fields.ts'
import { parseUsername, type UsernameKey } from '../users/username.ts'
import { insertUser, type User } from '../users/users.ts'
import { refuseSlowly, toQueueCaller } from './check-password.ts'

export type RegisterDependencies = HookDependencies &
  MailDependencies &
  NewPasswordDependencies & {
    readonly processes: Pick<Processes, 'secretInForce'>
    readonly db: Database
    readonly random: Random
    readonly hasher: PasswordHasher
    readonly settings: Pick<Settings, 'registration'>
  }

export type Registration = {
  readonly username: string
  readonly password: string
  readonly email?: string
  /** The application's own fields, checked (users/user-fields.ts). */
  readonly fields?: UserFieldValues
  /** The language of mail to this user. */
  readonly locale?: Locale
}

type Prepared = {
  readonly username: string
  readonly key: UsernameKey
  readonly email: string | null
  /** Null for whoever chooses the first one by a link. */
  readonly passwordHash: PasswordHash | null
  readonly breach?: BreachNote | undefined
  readonly fields: UserFieldValues
  readonly locale?: Locale | undefined
  readonly emailVerified?: boolean
}

/** @throws Refusal `validation_failed` */
export const parseName = (
  username: string,
  reserved: 'refuse' | 'allow',
): { readonly username: string; readonly key: UsernameKey } => {
  const name = parseUsername(username, { reserved })
  if (name.ok) return { username: name.username, key: name.key }
  throw new Refusal('validation_failed', { errors: [{ path: '/username', message: name.problem }] })
}

/**
 * Checks the names and the password and hashes it, before any transaction.
 * @throws Refusal `validation_failed`, `password_too_short`, `password_blocklisted`, `unavailable`
 */
export const prepareUser = async (
  dependencies: RegisterDependencies,
  { username, password, email, fields = {}, locale }: Registration,
  reserved: 'refuse' | 'allow',
  caller?: QueueCaller,
): Promise<Prepared> => {
  const name = parseUsername(username, { reserved })
  const parsed = parsePassword(password, '/password')
  if (!name.ok) {
    const rules = { minLength: dependencies.settings.passwordMinLength, path: '/password' }
    const errors = [{ path: '/username', message: name.problem }, ...findPasswordErrors(parsed, rules)]
    throw new Refusal('validation_failed', { errors })
  }
  const breach = await checkNewPassword(dependencies, parsed, { username, email, path: '/password' })
  const { clock, hasher } = dependencies
  const startedAt = clock.monotonic()
  return {
    username: name.username,
    key: name.key,
    email: email ?? null,
    passwordHash: await refuseSlowly(clock, startedAt, () => hasher.hash(parsed, caller)),
    breach,
    fields,
    locale,
  }
}

/** Inserts a prepared user with its roles and its audit event, in the caller's transaction. */
export const addUser = async (
  dependencies: RegisterDependencies,
  work: Work,
  prepared: Prepared,
  {
    roles,
    origin,
    event,
    details,
    secretId,
  }: {
    readonly roles: readonly string[]
    readonly origin: Origin
    readonly event: AuditEventName
    readonly details?: { readonly invitation?: string; readonly invited_by?: string; readonly by_mail?: true }
    /** The secret in force, asked for before a user's row was locked. */
    readonly secretId: string
  },
): Promise<User> => {
  const user = await insertUser(dependencies, work, { ...prepared, roles })
  await noteAdministrator(dependencies, work, roles)
  const entry = {
    origin: { ...origin, actor: origin.actor ?? user.id },
    userId: user.id,
    details: { roles: user.roles, ...details },
  }
  await recordEvent(dependencies, work, event, entry)
  await noteBreach(dependencies, work, prepared.breach, { origin: entry.origin, userId: user.id })
  const { email, emailVerified, passwordHash } = prepared
  // Whether it is somebody's already is found out behind the answer. The link to a first password shows it as well.
  if (email !== null && emailVerified !== true && passwordHash !== null) {
    const content = { ask: 'given', email, userId: user.id } as const
    await queueMail(dependencies, work, { content, userId: user.id, secretId })
  }
  await emitHook(dependencies, work, 'registered', { userId: user.id, roles: user.roles })
  return user
}

/** Why somebody may not register who was not invited. */
const closedTo = {
  invite: { detail: 'Only who was invited may register.', reason: 'registration_by_invitation' },
  closed: { detail: 'Registration is closed.', reason: 'registration_closed' },
} as const

/** @throws Refusal `insufficient_permission` */
const checkOpen = ({ registration }: Pick<Settings, 'registration'>): void => {
  if (registration !== 'open') throw new Refusal('insufficient_permission', closedTo[registration])
}

/** @throws Refusal `insufficient_permission` where invitations open nothing either */
export const checkInvited = ({ registration }: Pick<Settings, 'registration'>): void => {
  if (registration === 'closed') throw new Refusal('insufficient_permission', closedTo.closed)
}

/**
 * Registers a user with the default role; no other can be asked for.
 * @throws Refusal `username_taken`, `validation_failed`, `password_too_short`, `password_blocklisted`; `insufficient_permission` where registration is not open
 */
export const register = async (
  dependencies: RegisterDependencies,
  registration: Registration,
  origin: Origin,
  gone?: AbortSignal,
): Promise<User> => {
  checkOpen(dependencies.settings)
  const prepared = await prepareUser(dependencies, registration, 'refuse', toQueueCaller(origin, { gone }))
  return inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    const made = { roles: [defaultRole], origin, event: 'user.registered', secretId } as const
    return addUser(dependencies, work, prepared, made)
  })
}

import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import type { LiveSession } from '../sessions/sessions.ts'
import type { UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { checkNewPassword, type Password } from '../users/password.ts'
import { checkPassword } from './check-password.ts'
import type { SignInDependencies } from './sign-in.ts'

/** A signed-in user who shows the own password once more. */
export type Confirmation = {
  readonly userId: string
  readonly sessionId: string
  readonly password: Password
  readonly origin: Origin
}

const confirm = async (
  dependencies: SignInDependencies,
  { userId, password, origin }: Confirmation,
): Promise<UserRow> => {
  const user = await dependencies.db
    .selectFrom('users')
    .selectAll()
    .where('id', '=', userId)
    .executeTakeFirst()
  return checkPassword(dependencies, { user, password, origin })
}

/** Locks the user's row, and refuses if anything that ends sessions happened since the password was checked. */
const holdUser = async (
  { db }: Work,
  user: UserRow,
  change: { password_hash?: string } = {},
): Promise<void> => {
  const { numUpdatedRows } = await db
    .updateTable('users')
    .set({ id: user.id, ...change })
    .where('id', '=', user.id)
    .where('version', '=', user.version)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) throw new Refusal('session_ended')
}

const renewed = (session: LiveSession | undefined): LiveSession => {
  if (session === undefined) throw new TypeError('this event gives a new id')
  return session
}

/** Step-up by password: the session goes on under a new id, with a fresh sign-in time. */
export const stepUp = async (
  dependencies: SignInDependencies,
  confirmation: Confirmation,
): Promise<LiveSession> => {
  const user = await confirm(dependencies, confirmation)
  return inTransaction(dependencies.db, async work => {
    await holdUser(work, user)
    const outcome = await applyConsequences(dependencies, work, 'step-up', { ...confirmation, amr: ['pwd'] })
    return renewed(outcome.renewed)
  })
}

/**
 * Changes the own password. Other sessions end; this one goes on under a new id.
 * @throws Refusal `password_too_short`, `invalid_credentials`, `session_ended`
 */
export const changePassword = async (
  dependencies: SignInDependencies & { readonly settings: { readonly passwordMinLength: number } },
  { newPassword, ...confirmation }: Confirmation & { readonly newPassword: Password },
): Promise<LiveSession> => {
  checkNewPassword(newPassword, { minLength: dependencies.settings.passwordMinLength, path: '/new_password' })
  const user = await confirm(dependencies, confirmation)
  const hash = await dependencies.hasher.hash(newPassword)
  return inTransaction(dependencies.db, async work => {
    await holdUser(work, user, { password_hash: hash })
    await recordEvent(dependencies, work, 'user.password-changed', confirmation)
    const outcome = await applyConsequences(dependencies, work, 'password changed', {
      ...confirmation,
      amr: ['pwd'],
    })
    return renewed(outcome.renewed)
  })
}

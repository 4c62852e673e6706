import { type Origin, recordEvent } from '../audit/record.ts'
import { applyAndRenew } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import { tellOwner } from '../mail/notices.ts'
import type { LiveSession } from '../sessions/sessions.ts'
import type { UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import {
  checkNewPassword,
  type NewPasswordDependencies,
  needsFactor,
  noteBreach,
  storePassword,
} from '../users/new-password.ts'
import type { Password } from '../users/password.ts'
import { lockAndGetUser } from '../users/users.ts'
import { checkPassword, toQueueCaller } from './check-password.ts'
import { hasSecondFactor, joinProofs } from './factors.ts'
import { askForProof, lacksFactor } from './own-factors.ts'
import type { SignInDependencies } from './sign-in.ts'
import { forgive, giveBack, unlessItFails } from './throttle.ts'
import { sessionKey } from './throttle-keys.ts'

/** A signed-in user who shows the own password once more. */
export type Confirmation = {
  readonly userId: string
  readonly sessionId: string
  readonly password: Password
  readonly origin: Origin
  /** Aborted when nobody waits for the answer any more. */
  readonly gone?: AbortSignal | undefined
}

/** How often the password is checked again when the user changed meanwhile. */
const attempts = 3

const userChanging = (): Refusal => new Refusal('unavailable', { reason: 'user_changing', retryAfter: 1 })

/** Whose session goes on under a new id, by which proof, and the secret that it rests on. */
type Renewed = Omit<Confirmation, 'password' | 'gone'> & {
  readonly amr: readonly string[]
  /** When the person was last proved, where the password alone proves nothing anew. */
  readonly authTime: number | undefined
  readonly secretId: string
}

/** A change that asks for the password: what is made ready once that was right, and the change itself. */
type Change<Ready> = {
  readonly prepare: () => Promise<Ready>
  readonly run: (work: Work, subject: Renewed, ready: Ready) => Promise<LiveSession>
}

/**
 * Checks the password and then makes the change in one transaction that holds the user's row at the
 * version that was read before. A user who changed in between is read, and checked, again.
 */
export const confirmAndChange = async <Ready>(
  dependencies: SignInDependencies,
  { password, gone, ...own }: Confirmation,
  { prepare, run }: Change<Ready>,
): Promise<LiveSession> => {
  const { db, processes } = dependencies
  // By the session alone: strangers delay nobody who is signed in, and a thief of one session has its own.
  const counted = [sessionKey(own.sessionId)]
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await db.selectFrom('users').selectAll().where('id', '=', own.userId).executeTakeFirst()
    const shown = { user: found, password, origin: own.origin, counted, isKnown: true, gone }
    const user = await checkPassword(dependencies, shown)
    const ready = await unlessItFails(dependencies, counted, prepare)
    const change = async (work: Work): Promise<LiveSession | undefined> => {
      const secretId = await processes.secretInForce(work)
      if (!(await holdUser(work, user))) return undefined
      await forgive({ ...dependencies, db: work.db }, { keys: counted })
      const proof = await proofWithPassword(work, own)
      return run(work, { ...own, ...proof, secretId }, ready)
    }
    const session = await unlessItFails(dependencies, counted, () => inTransaction(db, change))
    if (session !== undefined) return session
    await giveBack(dependencies, counted)
  }
  throw userChanging()
}

/**
 * What a session has proved once the password was shown again. Of a user with a second factor that is nothing
 * fresh: whoever has stolen a session and the password would stay fresh for ever.
 */
const proofWithPassword = async (
  { db }: Work,
  { userId, sessionId }: Pick<Confirmation, 'userId' | 'sessionId'>,
): Promise<Pick<Renewed, 'amr' | 'authTime'>> => {
  const session = await db
    .selectFrom('sessions')
    .select(['amr', 'auth_time'])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (session === undefined) throw new Refusal('session_ended')
  const hasFactor = await hasSecondFactor(db, userId)
  const amr = joinProofs(session.amr.split(' '), ['pwd'])
  return { amr, authTime: hasFactor ? session.auth_time : undefined }
}

/** Locks the user's row; false if anything that ends or changes sessions happened since it was read. */
const holdUser = async (work: Work, { id, version }: UserRow): Promise<boolean> => {
  const now = await lockAndGetUser(work, id)
  return now !== undefined && now.version === version && now.disabled_at === null
}

/**
 * Changes the own password. Other sessions end; this one goes on under a new id.
 * @throws Refusal `password_too_short`, `password_blocklisted`, `invalid_credentials`, `session_ended`
 */
export const changePassword = async (
  dependencies: SignInDependencies & NewPasswordDependencies,
  { newPassword, ...confirmation }: Confirmation & { readonly newPassword: Password },
): Promise<LiveSession> => {
  const { db, hasher } = dependencies
  const names = await db
    .selectFrom('users')
    .select(['username', 'email'])
    .where('id', '=', confirmation.userId)
    .executeTakeFirst()
  const path = '/new_password'
  const hasFactor = await hasSecondFactor(db, confirmation.userId)
  const breach = await checkNewPassword(dependencies, newPassword, { ...names, path, hasFactor })
  const isWeak = hasFactor && (await needsFactor(dependencies, newPassword, names ?? {}))
  const caller = toQueueCaller(confirmation.origin, { isKnown: true, gone: confirmation.gone })
  return confirmAndChange(dependencies, confirmation, {
    prepare: () => hasher.hash(newPassword, caller),
    run: async (work, subject, hash) => {
      const { userId } = subject
      // The factor has gone since: asked once more, the password is judged as one that is alone.
      if (isWeak && !(await hasSecondFactor(work.db, userId))) throw userChanging()
      await storePassword(work, { userId, hash, needsFactor: isWeak })
      await recordEvent(dependencies, work, 'user.password-changed', subject)
      await noteBreach(dependencies, work, breach, subject)
      const session = await applyAndRenew(dependencies, work, 'password changed', subject)
      // Behind what finds the session ended, which says more.
      if (await lacksFactor(work.db, subject)) throw askForProof()
      await tellOwner(dependencies, work, { ...subject, notice: 'password-changed' })
      return session
    },
  })
}

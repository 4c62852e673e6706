import { endApiKeys } from '../api-keys/api-keys.ts'
import { recordEvent } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { applyConsequences } from '../consequences/apply.ts'
import type { Refusal } from '../ground/refusal.ts'
import { keysSaid, tellOwner } from '../mail/notices.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { takePassword } from '../users/new-password.ts'
import { emailKey, lockAndGetUser, lockUser } from '../users/users.ts'
import { refuseLink, type ShownLink, type TakenLink, takeLink } from './shown-link.ts'
import { type EmailDependencies, isAnothers, setEmail } from './verify-email.ts'

/** What lets its holder choose a new password at once; undefined where only sessions were ended. */
export type Denied = { readonly resetToken?: string }

type Denial = TakenLink & { readonly origin: ShownLink['origin']; readonly secretId: string }

/**
 * For the address as it is now, at the version after everything has ended. The password may be a thief's: it opens
 * nothing from now on. Nor may a passkey be the owner's that is older than what is denied: whoever comes in is asked.
 */
const startReset = async (dependencies: EmailDependencies, work: Work, userId: string): Promise<Denied> => {
  const user = await lockAndGetUser(work, userId)
  if (user === undefined) return {}
  await takePassword(work, userId, { review_due: 1 })
  const owner = { id: user.id, version: user.version }
  const data = { email: user.email }
  const made = await makeCode(dependencies, work, { purpose: 'reset-password', user: owner, data })
  return made === undefined ? {} : { resetToken: made.secret }
}

/** Links that went to the address which is taken back, and to those after it: they would bring it there again. */
const endLinksSince = async ({ db }: Work, userId: string, madeAt: number): Promise<void> => {
  await db
    .deleteFrom('codes')
    .where('user_id', '=', userId)
    .where('purpose', 'in', ['undo-email', 'not-me'])
    .where('created_at', '>=', madeAt)
    .execute()
}

/** What was added since may be a thief's, and would keep the owner from the reset. */
const endFactorsSince = async ({ db }: Work, userId: string, since: number): Promise<void> => {
  for (const table of ['totp_factors', 'passkeys', 'recovery_codes'] as const)
    await db.deleteFrom(table).where('user_id', '=', userId).where('created_at', '>=', since).execute()
}

/**
 * Subjects of other issuers that were linked since: whoever is denied may be one of them. What is known of them is
 * read again with the end of everything else.
 */
const endIdentitiesSince = async (
  dependencies: EmailDependencies,
  work: Work,
  { userId, origin }: { readonly userId: string; readonly origin: ShownLink['origin'] },
  since: number,
): Promise<void> => {
  const ended = await work.db
    .deleteFrom('identities')
    .where('user_id', '=', userId)
    .where('created_at', '>=', since)
    .returning(['issuer', 'subject'])
    .execute()
  for (const details of ended)
    await recordEvent(dependencies, work, 'identity.unlinked', { origin, userId, details })
}

/**
 * Keys of services that were made in the name of whoever denies: a thief with an administrator's session would come
 * back with them. Of services that are locked in the order of their ids, as everybody locks them.
 */
const endServiceKeysSince = async (
  dependencies: EmailDependencies,
  work: Work,
  { userId, origin }: { readonly userId: string; readonly origin: ShownLink['origin'] },
  since: number,
): Promise<void> => {
  const made = await work.db
    .selectFrom('api_keys')
    .select(['id', 'user_id'])
    .where('made_by', '=', userId)
    .where('user_id', '!=', userId)
    .where('created_at', '>=', since)
    .where('ended_at', 'is', null)
    .orderBy('user_id')
    .execute()
  for (const [serviceId, keys] of Map.groupBy(made, key => key.user_id)) {
    await lockUser(work, serviceId)
    const choice = { userId: serviceId, only: keys.map(({ id }) => id) }
    await endApiKeys(dependencies, work, choice, { reason: 'denied_by_owner', origin })
  }
}

/**
 * Takes a change of address back, whatever has been done since: by a second change, a new password or a new
 * factor. Everything that goes on is ended.
 */
const undo = async (
  dependencies: EmailDependencies,
  work: Work,
  { user, email, madeAt, origin, secretId }: Denial,
): Promise<Denied> => {
  const subject = { userId: user.id, origin }
  const isTaken = await isAnothers(work, user, emailKey(email))
  if (!isTaken) await setEmail(work, user.id, email, dependencies.clock.now())
  await endLinksSince(work, user.id, madeAt)
  await endFactorsSince(work, user.id, madeAt + 1)
  await endIdentitiesSince(dependencies, work, subject, madeAt + 1)
  await endServiceKeysSince(dependencies, work, subject, madeAt + 1)
  await recordEvent(dependencies, work, 'user.email-change-undone', subject)
  const { endedKeys } = await applyConsequences(dependencies, work, 'e-mail change undone', subject)
  if (isTaken) return {}
  await tellOwner(dependencies, work, {
    ...subject,
    notice: 'email-change-undone',
    values: keysSaid(endedKeys),
    secretId,
  })
  return startReset(dependencies, work, user.id)
}

type OpenUndo = Pick<TakenLink, 'email' | 'madeAt'> & { readonly id: string }

/** The oldest change that took this address away and can still be taken back. */
const findUndo = async ({ db }: Work, userId: string, email: string, now: number) => {
  const rows = await db
    .selectFrom('codes')
    .select(['id', 'data', 'created_at'])
    .where('user_id', '=', userId)
    .where('purpose', '=', 'undo-email')
    .where('expires_at', '>', now)
    .orderBy('created_at')
    .execute()
  return rows
    .map(({ id, data, created_at }): OpenUndo => ({ id, email: JSON.parse(data).email, madeAt: created_at }))
    .find(open => emailKey(open.email) === emailKey(email))
}

/**
 * "That wasn't me": every session ends. Who still has the address, or had it until lately, chooses a new password,
 * and is asked for no factor that was added with what is denied, or after it: it may be the thief's.
 */
const deny = async (dependencies: EmailDependencies, work: Work, denial: Denial): Promise<Denied> => {
  const { user, email, origin, since, secretId } = denial
  const isVerified = user.email_verified_at !== null && user.email !== null
  const hasIt = isVerified && emailKey(user.email ?? '') === emailKey(email)
  const change = hasIt ? undefined : await findUndo(work, user.id, email, dependencies.clock.now())
  if (change !== undefined) return undo(dependencies, work, { ...denial, ...change })
  const subject = { userId: user.id, origin }
  await recordEvent(dependencies, work, 'user.denied', subject)
  const { endedKeys } = await applyConsequences(dependencies, work, 'denied by owner', subject)
  await tellOwner(dependencies, work, { ...subject, notice: 'denied', values: keysSaid(endedKeys), secretId })
  if (!hasIt) return {}
  await endIdentitiesSince(dependencies, work, subject, since)
  await endServiceKeysSince(dependencies, work, subject, since)
  await endFactorsSince(work, user.id, since)
  return startReset(dependencies, work, user.id)
}

const follow = (
  dependencies: EmailDependencies,
  purpose: 'undo-email' | 'not-me',
  shown: ShownLink,
): Promise<Denied> =>
  inTransaction(dependencies.db, async (work): Promise<Denied | Refusal> => {
    const secretId = await dependencies.processes.secretInForce(work)
    const taken = await takeLink(dependencies, work, purpose, shown)
    if (taken === undefined) return refuseLink(dependencies, work, purpose, shown)
    const denial = { ...taken, origin: { ...shown.origin, actor: taken.user.id }, secretId }
    return purpose === 'undo-email' ? undo(dependencies, work, denial) : deny(dependencies, work, denial)
  })

/** @throws Refusal `invalid_link` */
export const undoEmailChange = (dependencies: EmailDependencies, shown: ShownLink): Promise<Denied> =>
  follow(dependencies, 'undo-email', shown)

/** @throws Refusal `invalid_link` */
export const denyEvent = (dependencies: EmailDependencies, shown: ShownLink): Promise<Denied> =>
  follow(dependencies, 'not-me', shown)

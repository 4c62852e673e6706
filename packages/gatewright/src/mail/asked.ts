import type { Code } from '../codes/codes.ts'
import { makeCode } from '../codes/codes.ts'
import { day } from '../ground/clock.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { RoleTable } from '../permissions/roles.ts'
import type { Processes } from '../processes/processes.ts'
import type { Database, MailRow, UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { toLocale } from '../users/locale.ts'
import { emailKey, lockAndGetUser } from '../users/users.ts'
import { keepContent } from './claim.ts'
import { sendDigest } from './digest.ts'
import type { AskName } from './letters.ts'
import { type Asked, type Letter, type MailDependencies, sealContent } from './queue.ts'

export type AskDependencies = Omit<MailDependencies, 'mail'> & {
  readonly db: Database
  readonly limiter: Pick<Limiter, 'take'>
  readonly processes: Pick<Processes, 'secretInForce'>
  readonly roleTable: Pick<RoleTable, 'administrative'>
}

const findOwner = (db: Database, email: string): Promise<UserRow | undefined> =>
  db
    .selectFrom('users')
    .selectAll()
    .where('email_key', '=', emailKey(email))
    .where('email_verified_at', 'is not', null)
    .where('disabled_at', 'is', null)
    .where('kind', '=', 'user')
    .executeTakeFirst()

/**
 * To the address as its owner has verified it, where it has one: what was typed is the same only after it was
 * normalised, and may be another mailbox.
 */
type Answer =
  | { readonly letter: Letter /** Whose it is: it goes with the account. */; readonly userId: string }
  | undefined
type Resolve = (dependencies: AskDependencies, work: Work, asked: Asked) => Promise<Answer>

const linkFor = async (
  dependencies: AskDependencies,
  work: Work,
  user: UserRow,
  code: { readonly purpose: Code['purpose']; readonly data: Readonly<Record<string, string>> },
): Promise<string | undefined> => {
  const made = await makeCode(dependencies, work, { ...code, user: { id: user.id, version: user.version } })
  return made?.secret
}

/** A link for the owner of a verified address; for any other address nothing. */
const forgotten: Resolve = async (dependencies, work, { email }) => {
  const found = await findOwner(work.db, email)
  const user = found && (await lockAndGetUser(work, found.id))
  if (user?.email_verified_at == null || user.email === null) return undefined
  const data = { email: user.email }
  const reset = await linkFor(dependencies, work, user, { purpose: 'reset-password', data })
  if (reset === undefined) return undefined
  const { username, locale } = user
  const who = { to: user.email, locale: toLocale(locale) }
  const letter = { ...who, letter: 'reset-password', values: { username }, links: { reset } } as const
  return { letter, userId: user.id }
}

/**
 * A link for an address that a user gave as the own one. Where somebody has verified it, that one is told
 * instead: who gave it learns nothing.
 */
const given: Resolve = async (dependencies, work, { email, userId = '', session, version }) => {
  const owner = await findOwner(work.db, email)
  if (owner !== undefined && owner.id !== userId) {
    const who = { to: owner.email ?? email, locale: toLocale(owner.locale) }
    return { letter: { ...who, letter: 'address-taken', values: {}, links: {} }, userId: owner.id }
  }
  const user = await lockAndGetUser(work, userId)
  if (user === undefined || user.disabled_at !== null) return undefined
  // What ends links ends those as well that are only asked for yet.
  if (version !== undefined && user.version !== version) return undefined
  const data = { email, ...(session !== undefined && { session }) }
  const verify = await linkFor(dependencies, work, user, { purpose: 'verify-email', data })
  if (verify === undefined) return undefined
  const who = { to: email, locale: toLocale(user.locale) }
  return { letter: { ...who, letter: 'verify-email', values: {}, links: { verify } }, userId }
}

/** Whoever was told of a hold that day knows: then a second mail says nothing new. */
const guessed: Resolve = async ({ clock }, work, { userId = '' }) => {
  const user = await lockAndGetUser(work, userId)
  if (user?.email_verified_at == null || user.email === null || user.disabled_at !== null) return undefined
  const held = await work.db
    .selectFrom('mails')
    .select('id')
    .where('user_id', '=', userId)
    .where('kind', '=', 'sign-in-held')
    .where('created_at', '>', clock.now() - day)
    .limit(1)
    .executeTakeFirst()
  if (held !== undefined) return undefined
  const { email: to, username } = user
  const letter = { to, locale: toLocale(user.locale), letter: 'many-failures', values: { username } } as const
  return { letter: { ...letter, links: {} }, userId }
}

/** A mail to each administrator, and none to whoever it was asked for: nobody. */
const digest: Resolve = async (dependencies, work, { since = 0 }) => {
  const secretId = await dependencies.processes.secretInForce(work)
  await sendDigest(dependencies, work, { since, secretId })
  return undefined
}

/** What is found out about each thing that is asked for. */
const asks = { forgotten, given, guessed, 'unusual-digest': digest } as const satisfies Readonly<
  Record<AskName, Resolve>
>

/**
 * Nobody is sent a heap of mail: who asks for more is told nothing of it. Each kind is counted apart: strangers who
 * give an address away use up nothing of what its owner needs to get in again.
 */
const mayBeSent = async ({ limiter }: AskDependencies, { ask, email }: Asked): Promise<boolean> => {
  // Whoever raises patterns chooses no times of it (`unusual/queue-digest.ts`).
  if (ask === 'unusual-digest') return true
  const { allowed, isStoreAway } = await limiter.take('mail', { recipient: `${ask}:${emailKey(email)}` })
  if (isStoreAway) throw new Error('what counts mail is away')
  return allowed
}

/**
 * Finds out, behind every answer, whether something is sent, and what: once, so that every further attempt
 * sends the same.
 * @returns undefined where nothing is
 */
export const resolveAsked = async (
  dependencies: AskDependencies,
  row: MailRow,
  asked: Asked,
): Promise<Letter | undefined> => {
  const { db, secrets, processes } = dependencies
  if (!(await mayBeSent(dependencies, asked))) return undefined
  return inTransaction(db, async work => {
    const secretId = await processes.secretInForce(work)
    const answer = await asks[asked.ask](dependencies, work, asked)
    if (answer === undefined) return undefined
    const { letter, userId } = answer
    const content = sealContent(secrets, row.id, letter, secretId)
    const isOurs = await keepContent(work.db, row, { content, user_id: userId })
    if (!isOurs) throw new Error('somebody else has the mail by now')
    return letter
  })
}

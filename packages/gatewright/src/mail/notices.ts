import type { Origin } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { toTimestamp } from '../ground/clock.ts'
import type { Work } from '../storage/transaction.ts'
import { toLocale } from '../users/locale.ts'
import { lockAndGetUser } from '../users/users.ts'
import type { LetterValues, NoticeName } from './letters.ts'
import { type MailDependencies, queueMail } from './queue.ts'

/** Which API keys ended with what is told, for `values`. */
export const keysSaid = (names: readonly string[]): LetterValues =>
  names.length === 0 ? {} : { keys: names.join(', ') }

export type Notice = {
  readonly userId: string
  readonly notice: NoticeName
  /** From where it was done. */
  readonly origin: Origin
  /** Since when it was being done; the moment of the notice without a word. Denied, factors since then go. */
  readonly since?: number
  /** What else the text says. */
  readonly values?: LetterValues
  /** The secret in force, asked for before the user's row was locked (`processes.secretInForce`). */
  readonly secretId: string
}

/**
 * Tells an owner what happened to the own account, in the transaction of what happened and after it: by mail
 * to the verified address, in the owner's language, with a link for whoever did not do that. Without a
 * verified address, or without mail, nobody is told anything.
 *
 *     await tellOwner(dependencies, work, { userId, notice: 'factor-added', values: { factor: 'totp' }, origin, secretId })
 */
export const tellOwner = async (
  dependencies: MailDependencies,
  work: Work,
  { userId, notice, origin, since, values = {}, secretId }: Notice,
): Promise<void> => {
  const { clock, mail } = dependencies
  if (!mail.isOn) return
  const user = await lockAndGetUser(work, userId)
  if (user === undefined || user.email === null || user.email_verified_at === null) return
  const { email, username, locale, version } = user
  const code = {
    purpose: 'not-me',
    user: { id: userId, version },
    data: { email, since: since ?? clock.now() },
  } as const
  const notMe = await makeCode(dependencies, work, code)
  if (notMe === undefined) return
  const said = { username, at: toTimestamp(clock.now()), ...(origin.address && { address: origin.address }) }
  const content = {
    letter: notice,
    to: email,
    locale: toLocale(locale),
    values: { ...said, ...values },
    links: { notMe: notMe.secret },
  }
  await queueMail(dependencies, work, { content, userId, secretId })
}

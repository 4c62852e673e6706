import type { Clock } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Work } from '../storage/transaction.ts'
import type { Locale } from '../users/locale.ts'
import type { AskName, LetterName, LetterValues, LinkName } from './letters.ts'

/** A mail as it is to be written, in all attempts the same. */
export type Letter = {
  readonly letter: LetterName
  readonly to: string
  readonly locale: Locale
  readonly values: LetterValues
  /** The secret of each link. */
  readonly links: Readonly<Partial<Record<LinkName, string>>>
}

/** What is asked for by somebody who is not told what comes of it: the queue finds out, behind the answer. */
export type Asked = {
  readonly ask: AskName
  readonly email: string
  readonly userId?: string
  /** The session that asked, and the version that its user had. */
  readonly session?: string
  readonly version?: number
  /** Of what happened after this time. */
  readonly since?: number
}

export type MailContent = Letter | Asked

export type MailDependencies = {
  readonly clock: Clock
  readonly random: Random
  readonly secrets: Pick<Secrets, 'seal'>
  /** `isOn` is false where nothing is ever sent; `wake` is told after a commit that there is something to send. */
  readonly mail: { readonly isOn: boolean; readonly wake: () => void }
}

export type NewMail = {
  readonly content: MailContent
  readonly userId?: string
  /** The secret in force, asked for before a user's row was locked. */
  readonly secretId: string
  /** Not before this time. */
  readonly dueAt?: number
}

const nameOf = (content: MailContent): string => ('ask' in content ? content.ask : content.letter)

export const sealContent = (
  secrets: Pick<Secrets, 'seal'>,
  id: string,
  content: MailContent,
  secretId: string,
): string => secrets.seal('mail', id, Buffer.from(JSON.stringify(content)), secretId)

/**
 * Puts a mail into the queue, in the transaction of its cause: it is sent if that is committed, and never lost
 * from then on. What it says is sealed until then, and erased with the sending.
 */
export const queueMail = async (
  { clock, random, secrets, mail }: MailDependencies,
  work: Work,
  { content, userId, secretId, dueAt }: NewMail,
): Promise<void> => {
  if (!mail.isOn) return
  const [id, now] = [newId(random), clock.now()]
  await work.db
    .insertInto('mails')
    .values({
      id,
      kind: nameOf(content),
      user_id: userId ?? null,
      content: sealContent(secrets, id, content, secretId),
      attempts: 0,
      due_at: dueAt ?? now,
      created_at: now,
      problem: null,
      sent_at: null,
      given_up_at: null,
      forgotten_at: null,
    })
    .execute()
  work.afterCommit(mail.wake)
}

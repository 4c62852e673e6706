import type { Engine } from 'gatewright/compose'
import { inTransaction } from 'gatewright/transaction'
import { makeCode } from '../../packages/gatewright/src/codes/codes.ts'
import type { Purpose } from '../../packages/gatewright/src/codes/purposes.ts'
import { emailKey } from '../../packages/gatewright/src/users/users.ts'

/** The user has verified this address. */
export const giveAddress = async (
  { db }: Pick<Engine, 'db'>,
  userId: string,
  email: string,
): Promise<void> => {
  await db
    .updateTable('users')
    .set({ email, email_key: emailKey(email), email_verified_at: 1 })
    .where('id', '=', userId)
    .execute()
}

type Linked = Pick<Engine, 'db' | 'clock' | 'random'>

/** The secret of a link as a mail carries it, made without a mail. */
export const giveLink = async (
  engine: Linked,
  purpose: Purpose,
  userId: string,
  data: Readonly<Record<string, string>>,
): Promise<string> => {
  const { version } = await engine.db
    .selectFrom('users')
    .select('version')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  const user = { id: userId, version }
  const made = await inTransaction(engine.db, work => makeCode(engine, work, { purpose, user, data }))
  if (made === undefined) throw new Error('the user has changed')
  return made.secret
}

/** Those whose link is followed without more than a token, or with a new password. */
export type MailedPurpose = 'verify-email' | 'undo-email' | 'not-me' | 'reset-password' | 'prove-email'

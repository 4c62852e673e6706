import { type Origin, recordEvent } from '../audit/record.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import type { Processes } from '../processes/processes.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { getUser } from '../users/users.ts'
import { holdProvenSession } from './own-factors.ts'

export type OwnEmailDependencies = MailDependencies & {
  readonly db: Database
  readonly processes: Pick<Processes, 'secretInForce'>
}

/**
 * Asks for another address of the own account. It counts from the moment at which its owner follows the link that
 * is sent there, while the session that asked goes on; until then the former one stays. Whose the address is now
 * is found out behind the answer.
 */
export const askForEmail = (
  dependencies: OwnEmailDependencies,
  { userId, sessionId, email, origin }: Caller & { readonly email: string; readonly origin: Origin },
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    await holdProvenSession(work, { userId, sessionId })
    const { version } = await getUser(work.db, userId)
    const content = { ask: 'given', email, userId, session: sessionId, version } as const
    await queueMail(dependencies, work, { content, userId, secretId })
    await recordEvent(dependencies, work, 'user.email-change-asked', { origin, userId, sessionId })
  })

/** Sends the link once more that verifies the own address; for one that is verified nothing happens. */
export const sendVerification = async (
  dependencies: OwnEmailDependencies,
  { userId }: Pick<Caller, 'userId'>,
): Promise<void> => {
  const { email, emailVerified } = await getUser(dependencies.db, userId)
  if (email === null || emailVerified) return
  await inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    await queueMail(dependencies, work, { content: { ask: 'given', email, userId }, userId, secretId })
  })
}

/**
 * Somebody forgot a password. Whatever the address, the same is written: what comes of it is found out behind the
 * answer (`mail/asked.ts`).
 */
export const forgetPassword = (
  dependencies: OwnEmailDependencies,
  { email }: { readonly email: string },
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    await queueMail(dependencies, work, { content: { ask: 'forgotten', email }, secretId })
  })

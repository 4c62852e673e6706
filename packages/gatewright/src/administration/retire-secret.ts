import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import { listDependents } from '../processes/dependents.ts'
import { listSecrets } from '../processes/describe-secrets.ts'
import { readRegister } from '../processes/join.ts'
import { listMayMakeWith } from '../processes/live-process.ts'
import type { Processes } from '../processes/processes.ts'
import { reSeal } from '../processes/re-seal.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'

type Dependencies = SessionDependencies & {
  readonly db: Database
  readonly secrets: Secrets
  readonly processes: Processes
}

type Retirement = { readonly secretId: string; readonly origin: Origin }

const conflict = (detail: string): Refusal => new Refusal('conflict', { detail })

const checkKnown = async (dependencies: Dependencies, secretId: string): Promise<void> => {
  const known = await listSecrets(dependencies, dependencies.secrets.ids)
  if (!known.some(({ id }) => id === secretId))
    throw new Refusal('not_found', {
      detail: 'No process holds a secret of this id, and nothing rests on one: gatewright secret list',
    })
}

/** While a process may be making values with it, what is ended now would be there again. */
const checkUnused = async ({ db }: Dependencies, secretId: string): Promise<void> => {
  const { inForce, processes } = await readRegister(db)
  if (inForce === secretId)
    throw conflict(
      `Values are made with ${secretId}. Put a new secret in front of it in GATEWRIGHT_SECRET at every process, restart each, and try again.`,
    )
  const maker = processes.find(process => listMayMakeWith(process, inForce).includes(secretId))
  if (maker !== undefined)
    throw conflict(
      `The ${maker.kind} on ${maker.host} may still be making values with ${secretId}. Try again in half a minute.`,
    )
}

const moveSealed = async (dependencies: Dependencies, secretId: string): Promise<void> => {
  const { db, secrets, processes, clock, settings } = dependencies
  const { inForce } = await readRegister(db)
  await reSeal({ db, secrets, hold: processes.holdSecretInForce }, inForce)
  const left = await listDependents(db, { now: clock.now(), settings })
  const sealed = left.find(({ what, ...rest }) => what !== 'sessions' && rest.secretId === secretId)
  if (sealed !== undefined)
    throw conflict(
      `${sealed.count} of ${sealed.what} can only be opened with ${secretId}. List it here too, behind the new one, and try again.`,
    )
}

const batch = 100

/** Live sessions whose refresh token rests on it, or on nobody knows which. */
const selectSessions = (db: Database, secretId: string) =>
  db
    .selectFrom('sessions')
    .select(['id', 'user_id'])
    .where('ended_at', 'is', null)
    .where('secret_hash', 'is', null)
    .where(eb => eb.or([eb('secret_id', '=', secretId), eb('secret_id', 'is', null)]))

/** Judged again under the user's lock: one that was refreshed meanwhile rests on the secret in force. */
const endOne = (
  dependencies: Dependencies,
  { id: sessionId, user_id: userId }: { readonly id: string; readonly user_id: string },
  { secretId, origin }: Retirement,
): Promise<number> =>
  inTransaction(dependencies.db, async work => {
    await lockUser(work, userId)
    const resting = await selectSessions(work.db, secretId).where('id', '=', sessionId).executeTakeFirst()
    if (resting === undefined) return 0
    return (await applyConsequences(dependencies, work, 'secret retired', { userId, sessionId, origin }))
      .ended
  })

const endAll = async (dependencies: Dependencies, retirement: Retirement): Promise<number> => {
  let ended = 0
  for (;;) {
    const sessions = await selectSessions(dependencies.db, retirement.secretId).limit(batch).execute()
    if (sessions.length === 0) return ended
    for (const session of sessions) ended += await endOne(dependencies, session, retirement)
  }
}

/**
 * Ends what rests on a secret that is no longer in force, so that it can be taken out of GATEWRIGHT_SECRET
 * at once, as one that leaked must be: sealed values move to the secret in force, and sessions whose refresh
 * token it made end. What somebody makes with it afterwards is not taken by any process, also where it is
 * still listed.
 *
 * @returns how many sessions were ended
 * @throws Refusal `not_found` for an id that nothing knows, `conflict` where it is in force, or something sealed can't be moved here
 */
export const retireSecret = async (dependencies: Dependencies, retirement: Retirement): Promise<number> => {
  const { secretId, origin } = retirement
  await checkKnown(dependencies, secretId)
  await checkUnused(dependencies, secretId)
  await moveSealed(dependencies, secretId)
  const sessions = await endAll(dependencies, retirement)
  await inTransaction(dependencies.db, async work => {
    // The token before the live one is good for a moment longer.
    await work.db
      .updateTable('sessions')
      .set({ former_secret_id: null })
      .where('former_secret_id', '=', secretId)
      .where('ended_at', 'is', null)
      .execute()
    await recordEvent(dependencies, work, 'secret.retired', {
      origin,
      details: { secret: secretId, sessions },
    })
  })
  return sessions
}

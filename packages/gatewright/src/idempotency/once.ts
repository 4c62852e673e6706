import { type Clock, day } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'

type Dependencies = { readonly db: Database; readonly clock: Clock }

/** One request that carries a key: whose it is, where, and a hash of all that it asks for. */
export type Attempt = {
  readonly principalKind: string
  readonly principalId: string
  /** The user that it is, or whose key it is; none for a client. */
  readonly userId?: string
  /** Method and pattern. */
  readonly route: string
  readonly key: string
  readonly requestHash: string
}

/** What is answered again. Its body must hold no secret: it is stored as it is. */
export type Answer<Body> = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
}

/** For how long a key stands for its answer. Housekeeping deletes it later. */
export const keyLifetime = day

/** What a deleted user asked for is not kept: whoever deletes the user waits, or has done it before. */
const holdPrincipal = async ({ db, beforeLock }: Work, { userId }: Attempt): Promise<void> => {
  if (userId === undefined) return
  beforeLock('user')
  const user = await db
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('deleted_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  if (user === undefined) throw new Refusal('session_ended', { reason: 'user_deleted' })
}

/**
 * Takes the key, in one statement: new, or past its time. False where it stands for an answer. Beside a
 * rival with the same key it waits until that one has ended.
 */
const takeKey = async ({ clock }: Dependencies, work: Work, attempt: Attempt): Promise<boolean> => {
  const row = {
    principal_kind: attempt.principalKind,
    principal_id: attempt.principalId,
    route: attempt.route,
    key: attempt.key,
    request_hash: attempt.requestHash,
    answer: null,
    created_at: clock.now(),
  }
  const taken = await work.db
    .insertInto('idempotency_keys')
    .values(row)
    .onConflict(conflict =>
      conflict
        .columns(['principal_kind', 'principal_id', 'route', 'key'])
        .doUpdateSet(row)
        .where('idempotency_keys.created_at', '<=', row.created_at - keyLifetime),
    )
    .returning('key')
    .executeTakeFirst()
  return taken !== undefined
}

const ofAttempt = ({ principalKind, principalId, route, key }: Attempt) =>
  ({ principal_kind: principalKind, principal_id: principalId, route, key }) as const

/** @throws Refusal `idempotency_key_reused` */
const readAnswer = async <Body>(work: Work, attempt: Attempt): Promise<Answer<Body>> => {
  const { request_hash, answer } = await work.db
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'answer'])
    .where(eb => eb.and(ofAttempt(attempt)))
    .executeTakeFirstOrThrow()
  if (request_hash !== attempt.requestHash) throw new Refusal('idempotency_key_reused')
  return JSON.parse(answer ?? '')
}

const keepAnswer = async (work: Work, attempt: Attempt, answer: Answer<unknown>): Promise<void> => {
  await work.db
    .updateTable('idempotency_keys')
    .set({ answer: JSON.stringify(answer) })
    .where(eb => eb.and(ofAttempt(attempt)))
    .execute()
}

const giveKeyBack = async (work: Work, attempt: Attempt): Promise<void> => {
  await work.db
    .deleteFrom('idempotency_keys')
    .where(eb => eb.and(ofAttempt(attempt)))
    .execute()
}

/**
 * Runs `effect` once for a key of a principal on a route, and gives its answer again for 24 hours. Key and
 * effect are one transaction: an effect that throws, or returns a refusal, leaves no key, and of many at
 * once one takes effect and the others get its answer. `effect` may be run again after a roll-back
 * (`inTransaction`): what it does outside the database stands in `work.afterCommit`.
 *
 * @throws Refusal `idempotency_key_reused` where the key stands for another request; `session_ended` where
 *   the user was deleted meanwhile
 */
export const once = async <Body>(
  dependencies: Dependencies,
  attempt: Attempt,
  effect: (work: Work) => Promise<Answer<Body> | Refusal>,
): Promise<Answer<Body> & { readonly isReplay: boolean }> =>
  inTransaction(dependencies.db, async work => {
    await holdPrincipal(work, attempt)
    if (!(await takeKey(dependencies, work, attempt)))
      return { ...(await readAnswer<Body>(work, attempt)), isReplay: true }
    const answer = await effect(work)
    if (answer instanceof Refusal) {
      await giveKeyBack(work, attempt)
      return answer
    }
    await keepAnswer(work, attempt, answer)
    return { ...answer, isReplay: false }
  })

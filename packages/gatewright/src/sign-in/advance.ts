import type { Origin } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { promisedExpiry, type UserTimes } from '../sessions/session-times.ts'
import { prepare } from '../storage/prepared.ts'
import type { SessionRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

type Use = Pick<SessionRow, 'id' | 'address' | 'last_used_at' | 'token_expires_at'>
type Generation = Pick<SessionRow, 'generation' | 'generation_since'>
type SecretsOfTokens = Pick<SessionRow, 'secret_id' | 'former_secret_id'>
type Judged = { readonly judged: number }

const setGeneration = prepare<Use & Generation & Judged>((db, value) =>
  db
    .updateTable('sessions')
    .set({
      last_used_at: value('last_used_at'),
      address: value('address'),
      token_expires_at: value('token_expires_at'),
      generation: value('generation'),
      generation_since: value('generation_since'),
    })
    .where('id', '=', value('id'))
    .where('generation', '=', value('judged'))
    .where('ended_at', 'is', null),
)

/** Seldom: so that the indexes by secret are not written at each use. */
const moveToSecret = prepare<Pick<SessionRow, 'id'> & SecretsOfTokens>((db, value) =>
  db
    .updateTable('sessions')
    .set({ secret_id: value('secret_id'), former_secret_id: value('former_secret_id') })
    .where('id', '=', value('id'))
    .where('ended_at', 'is', null),
)

/** The secrets of the tokens once the live one is made with `secretId`. */
const rotateSecrets = ({ secret_id: former }: SessionRow, secretId: string): SecretsOfTokens => ({
  secret_id: secretId,
  former_secret_id: former === secretId ? null : former,
})

const differ = (one: SecretsOfTokens, other: SecretsOfTokens): boolean =>
  one.secret_id !== other.secret_id || one.former_secret_id !== other.former_secret_id

/** What an answer to a refresh changes. `rotates`: the next generation becomes the live one. */
export type Advance = {
  readonly rotates: boolean
  /** The secret in force. */
  readonly secretId: string
  readonly times: UserTimes
  readonly origin: Origin
}

/**
 * One compare-and-set carries every answer: the session must not have ended, and its generation must be
 * the one that was judged. The `exp` promised is written with it.
 * @throws Refusal `session_ended`
 */
export const advance = async (
  { clock }: { readonly clock: Clock },
  work: Work,
  session: SessionRow,
  { rotates, secretId, times, origin }: Advance,
): Promise<SessionRow> => {
  const { id, generation: judged } = session
  const now = clock.now()
  const promised = promisedExpiry(now, session, times)
  const secrets = rotates ? rotateSecrets(session, secretId) : session
  const next = {
    generation: rotates ? judged + 1 : judged,
    generation_since: rotates ? now : session.generation_since,
    last_used_at: Math.max(session.last_used_at, now),
    address: origin.address ?? session.address,
  }
  const token_expires_at = Math.max(session.token_expires_at, promised)
  const { changed } = await setGeneration(work.db, { ...next, token_expires_at, id, judged })
  if (changed !== 1) throw new Refusal('session_ended')
  const { secret_id, former_secret_id } = secrets
  if (differ(secrets, session)) await moveToSecret(work.db, { id, secret_id, former_secret_id })
  return { ...session, ...next, secret_id, former_secret_id, token_expires_at: promised }
}

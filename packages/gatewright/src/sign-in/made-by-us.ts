import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import { isInRetryWindow, type SessionTimes } from '../sessions/session-times.ts'
import { prepare } from '../storage/prepared.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import {
  hasGoodMac,
  parseRefreshToken,
  type RefreshToken,
  secretIdOfGeneration,
} from '../tokens/refresh-token.ts'

/** A well-formed refresh token, whoever made it. Costs no query. @throws Refusal `invalid_token` */
export const readRefreshToken = (text: string): RefreshToken => {
  const token = parseRefreshToken(text)
  if (token === undefined) throw new Refusal('invalid_token', { reason: 'refresh_token_form' })
  return token
}

const columns = [
  'id',
  'user_id',
  'refresh_key',
  'generation',
  'generation_since',
  'secret_id',
  'former_secret_id',
  'ended_at',
] as const

/** What of a session tells whether we made a token for it. */
type KeyedSession = Pick<SessionRow, (typeof columns)[number]>

type Judge = {
  readonly secrets: Secrets
  readonly clock: Clock
  readonly settings: Pick<SessionTimes, 'refreshRetryWindow'>
}

/**
 * Whether this process, which was counted as ended or started too soon, lacks a secret that the session rests
 * on. Not knowing is no reason to sign anybody out: another process can tell. The secret of the generation
 * before the live one may be gone everywhere once the window is over.
 */
const lacksSecret = (
  { secrets, clock, settings }: Judge,
  session: KeyedSession,
  { generation, secretId }: RefreshToken,
): boolean => {
  const isLacking = (id: string | null | undefined): boolean => id != null && !secrets.ids.includes(id)
  const inWindow = isInRetryWindow(session.generation_since, clock.now(), settings.refreshRetryWindow)
  const noted = inWindow ? secretIdOfGeneration(session, generation) : undefined
  const lacks = isLacking(session.secret_id) || (noted === secretId && isLacking(noted))
  return lacks && session.ended_at === null
}

/**
 * Whether we made the token for this session, of whatever generation.
 * @throws Refusal `invalid_token`; `unavailable` where this process lacks the secret that it was made with
 */
export const checkMadeByUs: (
  judge: Judge,
  session: KeyedSession | undefined,
  token: RefreshToken,
) => asserts session is KeyedSession = (judge, session, token) => {
  if (session !== undefined && lacksSecret(judge, session, token))
    throw new Refusal('unavailable', { reason: 'secret_not_held', retryAfter: 1 })
  if (session === undefined || !hasGoodMac(judge.secrets, session, token))
    throw new Refusal('invalid_token', { reason: 'refresh_token_unknown' })
}

const selectKeyed = prepare<{ id: string }, KeyedSession>((db, value) =>
  db.selectFrom('sessions').select(columns).where('id', '=', value('id')).where('secret_hash', 'is', null),
)

/**
 * The session of a refresh token of ours; one that a cookie holds has none.
 * @throws Refusal as {@link checkMadeByUs}
 */
export const getSessionOfRefreshToken = async (
  judge: Judge,
  db: Database,
  token: RefreshToken,
): Promise<KeyedSession> => {
  const { rows } = await selectKeyed(db, { id: token.sessionId })
  const session = rows[0]
  checkMadeByUs(judge, session, token)
  return session
}

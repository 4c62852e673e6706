import { Refusal } from '../ground/refusal.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { RoleTable } from '../permissions/roles.ts'
import { type CookieSession, findCookieSession } from '../sessions/find-cookie-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { checkCookieSession } from '../sign-in/cookie-session.ts'
import type { Database } from '../storage/tables.ts'
import { hashSessionSecret, type SessionSecret } from '../tokens/session-secret.ts'
import { isSafe } from './cross-site.ts'
import type { KnownSecrets } from './known-secrets.ts'
import { type Passage, takeFromLimit } from './passage.ts'
import { toUserPrincipal } from './principal.ts'

type Dependencies = SessionDependencies & {
  readonly db: Database
  readonly limiter: Limiter
  readonly knownSecrets: KnownSecrets
  readonly roleTable: RoleTable
}

/** Anybody can make up a secret that is whole in form: an address may try so many before each is a query. */
const limitUnknown = ({ limiter, knownSecrets }: Dependencies, passage: Passage, cookie: SessionSecret) => {
  if (knownSecrets.has(hashSessionSecret(cookie))) return
  takeFromLimit(limiter, passage, { address: passage.address }, 'unknown-cookie')
}

/**
 * The session that the request's cookie names, live or ended.
 * @throws Refusal `invalid_token` for a cookie that nobody was given; `rate_limited`
 */
export const getShownCookieSession = async (
  dependencies: Dependencies,
  passage: Passage,
  cookie: SessionSecret,
): Promise<CookieSession> => {
  limitUnknown(dependencies, passage, cookie)
  const found = await findCookieSession(dependencies.db, cookie)
  if (found === undefined) {
    passage.hasDeadCookie = true
    throw new Refusal('invalid_token', { reason: 'cookie_unknown' })
  }
  dependencies.knownSecrets.add(hashSessionSecret(cookie))
  const { id: sessionId, user_id: userId } = found.session
  passage.session = { userId, sessionId }
  return found
}

const judge = async (dependencies: Dependencies, passage: Passage, cookie: SessionSecret): Promise<void> => {
  const found = await getShownCookieSession(dependencies, passage, cookie)
  const { address, requestId } = passage
  await checkCookieSession(dependencies, found, { actor: null, address, requestId })
  const { session, roles } = found
  passage.principal = toUserPrincipal(
    dependencies.roleTable,
    {
      userId: session.user_id,
      sessionId: session.id,
      authTime: session.auth_time,
      amr: session.amr.split(' '),
    },
    roles,
  )
}

/**
 * Whom a session cookie stands for, as the database has it at this moment: session, user and roles. A
 * request that only reads has no body to wait for, and is judged once.
 * @throws Refusal `invalid_token`, `session_ended`, `session_renewed`, `rate_limited`
 */
export const checkCookieCaller = async (
  dependencies: Dependencies,
  passage: Passage,
  cookie: SessionSecret,
): Promise<void> => {
  const isFirst = passage.principal === undefined
  if (!isFirst && isSafe(passage.method)) return
  try {
    await judge(dependencies, passage, cookie)
  } catch (error) {
    // Once it was let in, the browser may hold another one by now, which must stay.
    if (isFirst && error instanceof Refusal && error.code === 'session_ended') passage.hasDeadCookie = true
    throw error
  }
}

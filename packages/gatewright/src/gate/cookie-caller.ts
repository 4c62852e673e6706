import { second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Granting } from '../permissions/granted.ts'
import type { LiveRoleTable } from '../permissions/live-roles.ts'
import { type FoundSession, findCookieSession } from '../sessions/find-session.ts'
import { endedByTime, isInRetryWindow, isJustRenewed, timesOf } from '../sessions/session-times.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { checkCookieSession } from '../sign-in/cookie-session.ts'
import type { Database } from '../storage/tables.ts'
import { hashSessionSecret, type SessionSecret } from '../tokens/session-secret.ts'
import { isSafe } from './cross-site.ts'
import type { KnownSecrets } from './known-secrets.ts'
import { type Passage, takeFromLimit } from './passage.ts'
import { toUserPrincipal } from './principal.ts'
import { admitUnknown } from './unknown-credential.ts'

type Dependencies = SessionDependencies &
  Granting & {
    readonly db: Database
    readonly roleTable: LiveRoleTable
    readonly limiter: Limiter
    readonly knownSecrets: KnownSecrets
  }

/**
 * A look-up is paid for before it is made, by the secret, whoever it stands for and whether that session
 * lives. Anybody can make up a secret that is whole in form: one not known to be ours counts for its address
 * too. Once a request: the second look, when a body has arrived, is one that was let in.
 */
const limitLookUp = (
  dependencies: Dependencies,
  passage: Passage,
  cookie: SessionSecret,
): void | Promise<void> => {
  if (passage.session !== undefined) return
  const hash = hashSessionSecret(cookie)
  const address = dependencies.knownSecrets.has(hash) ? undefined : passage.address
  if (address !== undefined) admitUnknown(dependencies, passage, hash)
  return takeFromLimit(dependencies, passage, { session: hash, address }, 'cookie')
}

/**
 * The session that the request's cookie names, live or ended; undefined for a cookie that nobody was given.
 * Takes from no limit: whoever has stolen the cookie must not be able to use up the logout of its owner.
 */
export const findShownCookieSession = async (
  { db, knownSecrets }: Pick<Dependencies, 'db' | 'knownSecrets'>,
  passage: Passage,
  cookie: SessionSecret,
): Promise<FoundSession | undefined> => {
  const found = await findCookieSession(db, cookie)
  if (found === undefined) {
    passage.hasDeadCookie = true
    return undefined
  }
  const { id: sessionId, user_id: userId } = found.session
  knownSecrets.add(hashSessionSecret(cookie))
  passage.session = { userId, sessionId }
  return found
}

/** How long the answer of a sign-in may be on its way to the browser. */
const longestAnswer = 10 * second

/**
 * Over, with nothing else on its way to the browser. What ended it just now may have been a sign-in or a
 * step-up, whose answer brings another cookie of the same name, which must stay; the clock brings none.
 */
const isOverForGood = (
  dependencies: Dependencies,
  { session, roles, userDisabledAt }: FoundSession,
): boolean => {
  const { clock, settings } = dependencies
  const now = clock.now()
  if (isJustRenewed(session, now, settings)) return false
  const since = session.ended_at ?? userDisabledAt
  return since === null
    ? endedByTime(session, now, timesOf(dependencies, roles)) !== undefined
    : !isInRetryWindow(since, now, longestAnswer)
}

const judge = async (dependencies: Dependencies, passage: Passage, cookie: SessionSecret): Promise<void> => {
  await limitLookUp(dependencies, passage, cookie)
  const found = await findShownCookieSession(dependencies, passage, cookie)
  if (found === undefined) throw new Refusal('invalid_token', { reason: 'cookie_unknown' })
  // Once it was let in, the browser may hold another one by now, however long the body took.
  if (passage.principal === undefined) passage.hasDeadCookie = isOverForGood(dependencies, found)
  const { address, requestId } = passage
  await checkCookieSession(dependencies, found, { actor: null, address, requestId })
  await dependencies.roleTable.ensureRead()
  const { session, roles } = found
  passage.principal = toUserPrincipal(
    dependencies,
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
 * request that only reads has no body to wait for, and is judged once, and again where it waited for its turn.
 * @throws Refusal `invalid_token`, `session_ended`, `session_renewed`, `rate_limited`
 */
export const checkCookieCaller = async (
  dependencies: Dependencies,
  passage: Passage,
  cookie: SessionSecret,
): Promise<void> => {
  if (passage.principal !== undefined && isSafe(passage.method) && !passage.hasWaited) return
  await judge(dependencies, passage, cookie)
}

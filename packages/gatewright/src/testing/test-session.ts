import { systemOrigin } from '../audit/record.ts'
import type { Engine } from '../compose.ts'
import { Refusal } from '../ground/refusal.ts'
import { makeTokenPair } from '../sessions/session-tokens.ts'
import { type Holding, type LiveSession, startSession } from '../sessions/sessions.ts'
import { inTransaction } from '../storage/transaction.ts'
import { csrfTokenOf } from '../tokens/session-secret.ts'
import { getUser } from '../users/users.ts'

/**
 * Starts a session as every door does once the password was found right; it is not asked for here.
 * @throws Refusal `not_found`; `invalid_credentials` for a user who is disabled
 */
export const startTestSession = async (
  engine: Engine,
  {
    userId,
    holding = 'tokens',
    device = 'test',
  }: { readonly userId: string; readonly holding?: Holding; readonly device?: string },
): Promise<LiveSession> => {
  const { version: userVersion } = await getUser(engine.db, userId)
  const origin = { ...systemOrigin, actor: userId }
  const started = await inTransaction(engine.db, work =>
    startSession(engine, work, { userId, userVersion, amr: ['pwd'], device, origin, holding }),
  )
  if (started === undefined) throw new Refusal('invalid_credentials', { reason: 'user_disabled' })
  return started
}

export type Headers = Readonly<Record<string, string>>

/** What a client holds of its session, by the kind of holding; `headers` are what it sends with a request. */
export type Held = {
  readonly tokens: { readonly accessToken: string; readonly refreshToken: string; readonly headers: Headers }
  /** `cookie` is `name=value`; the headers are those of a page of the API's own origin. */
  readonly cookie: { readonly cookie: string; readonly csrfToken: string; readonly headers: Headers }
}

const holdTokens = async (engine: Engine, live: LiveSession): Promise<Held['tokens']> => {
  const { access_token: accessToken, refresh_token: refreshToken } = await makeTokenPair(
    engine,
    async () => live,
  )
  const { tokenHeader, tokenScheme } = engine.settings
  const headers = { [tokenHeader.toLowerCase()]: `${tokenScheme} ${accessToken}` }
  return { accessToken, refreshToken, headers }
}

const holdCookie = async (
  { places, publicUrl }: Engine,
  { secret }: LiveSession,
): Promise<Held['cookie']> => {
  if (secret === undefined) throw new TypeError('a cookie is given when its secret is made')
  const cookie = `${places.cookie.name}=${secret}`
  const csrfToken = csrfTokenOf(secret)
  const own = { origin: publicUrl, 'sec-fetch-site': 'same-origin', 'x-csrf-token': csrfToken }
  return { cookie, csrfToken, headers: { cookie, ...own } }
}

export const hold = { tokens: holdTokens, cookie: holdCookie } as const satisfies {
  readonly [H in Holding]: (engine: Engine, live: LiveSession) => Promise<Held[H]>
}

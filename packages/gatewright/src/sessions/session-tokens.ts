import type { Clock } from '../ground/clock.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import { makeRefreshToken } from '../tokens/refresh-token.ts'
import type { LiveSession } from './sessions.ts'

/** A pair as RFC 6749 §5.1 writes it. */
export type TokenPair = {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: 'Bearer'
  /** Seconds. */
  readonly expires_in: number
}

type Dependencies = { readonly accessTokens: AccessTokens; readonly secrets: Secrets; readonly clock: Clock }

/**
 * The pair of a session that `begin` starts, renews or refreshes. The access token is signed with the very
 * `exp` that its transaction promised, so a cut-off always outlives it. The key is there before: once the
 * refresh token is another one, nothing may keep the client from getting it.
 * @throws Refusal `unavailable` where nothing can be signed, and what `begin` throws
 */
export const makeTokenPair = async (
  { accessTokens, secrets, clock }: Dependencies,
  begin: () => Promise<LiveSession>,
): Promise<TokenPair> => {
  const sign = await accessTokens.getSign()
  const { session, roles } = await begin()
  return {
    access_token: await sign({
      userId: session.user_id,
      sessionId: session.id,
      userVersion: session.user_version,
      expiresAt: session.token_expires_at,
      authTime: session.auth_time,
      amr: session.amr.split(' '),
      roles,
    }),
    refresh_token: makeRefreshToken(secrets, session, session.generation),
    token_type: 'Bearer',
    expires_in: Math.max(0, session.token_expires_at / 1_000 - Math.floor(clock.now() / 1_000)),
  }
}

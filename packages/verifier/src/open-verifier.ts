import { type AccessToken, type Principal, readAccessToken } from './access-token.ts'
import { type Clock, minute, sleep } from './clock.ts'
import { createCutOffs, type Verdict } from './cut-offs.ts'
import { follow } from './follow.ts'
import { UnreachableError } from './get-json.ts'
import { createIssuer } from './issuer.ts'
import { Refusal, type RefusalCode } from './refusal.ts'
import { createSeenTokens } from './seen-tokens.ts'
import { createView } from './view.ts'

export type Verifier = {
  /** As it was given: what names the errors. */
  readonly issuer: string
  /**
   * Who stands behind an access token, or behind the value of an `Authorization` header.
   * @throws Refusal with a status, a code and the headers of the answer
   */
  readonly verify: (credential: string | null | undefined) => Promise<Principal>
  /**
   * Milliseconds: how old what is known of the issuer is. Past the bound, and infinite while nothing is known,
   * every token is refused with `unavailable`.
   */
  readonly age: () => number
  /** Asks the issuer no more; from now on every token is refused. */
  readonly close: () => void
}

export type Bounds = {
  readonly issuer: string
  readonly audience: string
  /** Milliseconds. */
  readonly maxAge: number
  readonly mostCutOffs: number
  readonly onFault: (error: Error) => void
  readonly clock: Clock
}

/** How long one request waits for a statement where the view is too old, and how many do. */
const longestWait = 500
const mostWaiting = 1_000
/** A token of the future is of another clock than the issuer's, which is never ahead of ours. */
const leeway = minute

/** `Bearer <token>`, or the token alone. Whatever else is left cannot be a token. */
const toText = (credential: string | null | undefined): string => {
  if (credential === undefined || credential === null || credential === '')
    throw new Refusal('invalid_token', 'no_credential')
  return credential.replace(/^bearer +/i, '')
}

const codes: Readonly<Record<Exclude<Verdict, 'good'>, RefusalCode>> = {
  'session ended': 'session_ended',
  // Its signature says nothing any more, of its session neither.
  'key revoked': 'invalid_token',
  stale: 'token_stale',
}

/** {@link createVerifier}, on any clock. */
export const openVerifier = (bounds: Bounds): Verifier => {
  const { issuer, audience, maxAge, mostCutOffs, onFault, clock } = bounds
  const closing = new AbortController()
  const { signal } = closing
  const cutOffs = createCutOffs(mostCutOffs)
  const view = createView(clock, cutOffs)
  const published = createIssuer({ issuer, clock, signal })
  const feed = follow({ issuer, published, view, clock, maxAge, signal, onFault })
  const seen = createSeenTokens()
  let waiting = 0

  const isFresh = (): boolean => !signal.aborted && view.age() <= maxAge

  const waitUntilFresh = async (): Promise<void> => {
    if (signal.aborted) throw new Refusal('unavailable', 'closed')
    if (waiting >= mostWaiting) throw new Refusal('unavailable', 'too_many_wait')
    waiting++
    const end = new AbortController()
    const leave = feed.listen(() => {
      if (isFresh()) end.abort()
    })
    try {
      feed.hurry()
      await sleep(longestWait, AbortSignal.any([signal, end.signal]))
    } finally {
      leave()
      waiting--
    }
    if (!isFresh()) throw new Refusal('unavailable', 'revocations_stale')
  }

  const findKey = async (kid: string) => {
    try {
      return await published.findAnew(kid, 'token')
    } catch (error) {
      throw error instanceof UnreachableError ? new Refusal('unavailable', 'keys_unreachable') : error
    }
  }

  const read = async (text: string): Promise<AccessToken> => {
    const known = seen.find(text)
    if (known !== undefined && published.find(known.key.kid) === known.key) return known
    const token = await readAccessToken(text, { issuer, audience, findKey })
    seen.remember(text, token)
    return token
  }

  const check = ({ principal, names, issuedAt }: AccessToken): Principal => {
    const now = view.now()
    if (principal.expiresAt <= now) throw new Refusal('token_expired', 'token_expired')
    if (issuedAt > now + leeway) throw new Refusal('invalid_token', 'token_of_the_future')
    const verdict = cutOffs.judge(names)
    if (verdict !== 'good') throw new Refusal(codes[verdict], verdict.replace(' ', '_'))
    return principal
  }

  return {
    issuer,
    verify: async credential => {
      const text = toText(credential)
      // Before anything is known no key is, and a token could only be called wrong.
      if (!isFresh()) await waitUntilFresh()
      const token = await read(text)
      if (!isFresh()) await waitUntilFresh()
      return check(token)
    },
    age: () => (signal.aborted ? Number.POSITIVE_INFINITY : view.age()),
    close: () => closing.abort(),
  }
}

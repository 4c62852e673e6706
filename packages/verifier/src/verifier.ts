import { systemClock } from './clock.ts'
import { parseIssuer } from './issuer-address.ts'
import { openVerifier, type Verifier } from './open-verifier.ts'

export type { Principal } from './access-token.ts'
export type { Verifier } from './open-verifier.ts'

export type VerifierOptions = {
  /** Gatewright's `PUBLIC_URL`, exactly: `https://` (`http://` on this machine only). */
  readonly issuer: string
  /** Gatewright's `TOKEN_AUDIENCE`: its `PUBLIC_URL` unless it was set. */
  readonly audience: string
  /** The bound in milliseconds, 1,000 to 5,000: what is known may be so old. 5,000 without a word. */
  readonly maxAge?: number
  /**
   * A longer bound, up to 60,000 milliseconds, in place of `maxAge`: while Gatewright can't be reached, a token
   * that has ended is accepted for so long.
   */
  readonly acceptEndedTokensForUpTo?: number
  /** Cut-offs that are remembered at most, some 120 bytes each; past it every token is refused, until enough are over. 1,000,000 without a word. */
  readonly mostCutOffs?: number
  /** Is told why the feed could not be read, or was refused. Called at each attempt; must not throw. */
  readonly onFault?: (error: Error) => void
}

const usualAge = 5_000
const longestAge = 60_000

const checkRange = (name: string, value: number, least: number, most: number): number => {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new TypeError(`${name} must be a whole number from ${least} to ${most}`)
}

const toMaxAge = ({ maxAge, acceptEndedTokensForUpTo: dangerous }: VerifierOptions): number => {
  if (dangerous === undefined) return checkRange('maxAge', maxAge ?? usualAge, 1_000, usualAge)
  if (maxAge !== undefined) throw new TypeError('write maxAge or acceptEndedTokensForUpTo, not both')
  const age = checkRange('acceptEndedTokensForUpTo', dangerous, usualAge, longestAge)
  process.emitWarning(`tokens that have ended are accepted for up to ${age} ms`, 'GatewrightVerifierWarning')
  return age
}

/**
 * Checks Gatewright's access tokens in a service that knows only its address. It reads the public keys, and
 * follows the signed feed of what was taken back; a token is judged here, without a request. It begins at once,
 * and refuses with `unavailable` until it knows enough, and whenever what it knows is older than the bound.
 *
 *     const verifier = createVerifier({ issuer: 'https://api.example', audience: 'https://api.example' })
 *     const principal = await verifier.verify(request.headers.authorization)
 *
 * @throws TypeError for options that can't be
 */
export const createVerifier = (options: VerifierOptions): Verifier => {
  const { issuer, audience, mostCutOffs = 1_000_000, onFault = () => {} } = options
  parseIssuer(issuer)
  if (audience === '') throw new TypeError('audience must be the TOKEN_AUDIENCE of Gatewright')
  checkRange('mostCutOffs', mostCutOffs, 1, 10_000_000)
  return openVerifier({
    issuer,
    audience,
    maxAge: toMaxAge(options),
    mostCutOffs,
    onFault,
    clock: systemClock,
  })
}

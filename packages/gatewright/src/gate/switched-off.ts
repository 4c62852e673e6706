import { Refusal } from '../ground/refusal.ts'
import type { Credential, CredentialPlaces } from './credential.ts'
import type { GateRule } from './passage.ts'

/** Kinds of credential that CREDENTIALS may leave out: the reason for the log, and what a route says that gives one. */
const rows = {
  bearer: {
    reason: 'bearer_off',
    detail: 'This server gives no access tokens. Sign in with POST …/sessions.',
  },
  cookie: {
    reason: 'cookie_off',
    detail: 'This server gives no session cookies. Sign in with POST …/login.',
  },
  'api-key': { reason: 'api-key_off', detail: 'This server takes no API keys.' },
} as const

/**
 * A kind that this server does not take is refused, as any wrong credential is, and one that it does not
 * give is not made. A cookie of no use was not even read.
 * @throws Refusal `insufficient_permission`, `invalid_token`
 */
export const refuseSwitchedOff = (
  { accepted }: Pick<CredentialPlaces, 'accepted'>,
  {
    credential,
    rule,
  }: { readonly credential: Credential | undefined; readonly rule: Pick<GateRule, 'gives'> },
): void => {
  const { gives } = rule
  if (gives !== undefined && gives !== 'either' && !accepted.has(gives))
    throw new Refusal('insufficient_permission', rows[gives])
  if (credential === undefined || credential.kind === 'other' || accepted.has(credential.kind)) return
  throw new Refusal('invalid_token', { reason: rows[credential.kind].reason })
}

/**
 * The same where only the body says what is to be given.
 * @throws Refusal `insufficient_permission`
 */
export const refuseToGive = ({ accepted }: CredentialPlaces, kind: keyof typeof rows): void => {
  if (!accepted.has(kind)) throw new Refusal('insufficient_permission', rows[kind])
}

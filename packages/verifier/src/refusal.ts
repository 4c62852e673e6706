/** Every expected "no", with its status and the text that the caller gets. The codes are Gatewright's. */
export const refusals = {
  several_credentials: { status: 400, detail: 'The request carries more than one credential. Send one.' },
  invalid_token: { status: 401, detail: 'The token is not valid.' },
  token_expired: { status: 401, detail: 'The access token has expired. Refresh it.' },
  session_ended: { status: 401, detail: 'The session has ended. Sign in again.' },
  token_stale: { status: 401, detail: 'What you may do has changed. Refresh the access token.' },
  unavailable: { status: 503, detail: 'The service is not available at the moment. Try again soon.' },
} as const satisfies Record<string, { readonly status: number; readonly detail: string }>

export type RefusalCode = keyof typeof refusals

/** RFC 6750 §3: no error is told to a caller that showed no credential. */
const toChallenge = (code: RefusalCode, reason: string): string =>
  reason === 'no_credential'
    ? 'Bearer'
    : `Bearer error="invalid_token", error_description="${refusals[code].detail}"`

const toHeaders = (code: RefusalCode, reason: string): Readonly<Record<string, string>> => ({
  'cache-control': 'no-store',
  ...(refusals[code].status === 401 && { 'www-authenticate': toChallenge(code, reason) }),
  ...(refusals[code].status === 503 && { 'retry-after': '1' }),
})

/**
 * An expected "no": throws from `verify`. What the caller may know is its `code`, `status` and message; the
 * `reason` is for the log.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly status: number
  readonly reason: string
  /** What the answer carries: `www-authenticate` with a 401, `retry-after` with a 503. */
  readonly headers: Readonly<Record<string, string>>

  constructor(code: RefusalCode, reason: string) {
    super(refusals[code].detail)
    this.code = code
    this.status = refusals[code].status
    this.reason = reason
    this.headers = toHeaders(code, reason)
  }
}

const titles = {
  several_credentials: 'Several credentials',
  invalid_token: 'Invalid token',
  token_expired: 'Token expired',
  session_ended: 'Session ended',
  token_stale: 'Token stale',
  unavailable: 'Unavailable',
} as const satisfies Record<RefusalCode, string>

export const problemType = 'application/problem+json; charset=utf-8'

/** The body of the answer (RFC 9457), in the form of Gatewright's own. */
export const toProblem = ({ code, status, message }: Refusal, issuer: string) => ({
  type: `${issuer}/docs/errors#${code}`,
  title: titles[code],
  status,
  detail: message,
  code,
})

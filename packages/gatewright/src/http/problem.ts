import { type Refusal, type RefusalCode, refusals } from '../ground/refusal.ts'
import { anyText, integer, list, named, strictObject, timestamp } from './schemas.ts'

/** The status of each refusal. */
export const statuses = {
  validation_failed: 400,
  malformed_json: 400,
  malformed_request: 400,
  password_too_short: 400,
  password_blocklisted: 400,
  several_credentials: 400,
  invalid_link: 400,
  invalid_credentials: 401,
  mfa_required: 401,
  password_change_required: 401,
  invalid_mfa_code: 401,
  invalid_token: 401,
  token_expired: 401,
  session_ended: 401,
  token_stale: 401,
  refresh_token_reused: 401,
  insufficient_user_authentication: 401,
  insufficient_permission: 403,
  second_factor_required: 403,
  csrf_failed: 403,
  https_required: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  request_timeout: 408,
  username_taken: 409,
  session_renewed: 409,
  conflict: 409,
  last_administrator: 409,
  precondition_failed: 412,
  body_too_large: 413,
  unsupported_media_type: 415,
  wrong_host: 421,
  idempotency_key_reused: 422,
  precondition_required: 428,
  rate_limited: 429,
  headers_too_large: 431,
  internal_error: 500,
  no_answer: 502,
  unavailable: 503,
} as const satisfies Record<RefusalCode, number>

/** Problem details (RFC 9457). */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: RefusalCode
  readonly request_id: string
  readonly errors?: Refusal['details']['errors']
  readonly mfa_token?: string
  readonly methods?: readonly string[]
  readonly attempts_left?: number
  /** Why and when a session ended, for whoever has shown what belonged to it. */
  readonly reason?: string
  readonly ended_at?: string
}

export const problemSchema = named(
  'Problem',
  strictObject(
    {
      type: anyText,
      title: anyText,
      status: integer,
      detail: anyText,
      code: anyText,
      request_id: anyText,
      errors: list(strictObject({ path: anyText, message: anyText })),
      mfa_token: anyText,
      methods: list(anyText),
      attempts_left: integer,
      reason: anyText,
      ended_at: timestamp,
    },
    ['errors', 'mfa_token', 'methods', 'attempts_left', 'reason', 'ended_at'],
  ),
)

export const problemType = 'application/problem+json; charset=utf-8'

/** `invalid_token` → `Invalid token`, `mfa_required` → `MFA required` */
const toTitle = (code: RefusalCode): string => {
  const words = code.replaceAll('_', ' ').replace(/\b(csrf|https|json|mfa)\b/, name => name.toUpperCase())
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** What the caller reads. The reason of a refusal stays with us. */
export const toProblem = (
  { code, details }: Pick<Refusal, 'code' | 'details'>,
  { publicUrl, requestId }: { publicUrl: string; requestId: string },
): Problem => {
  return {
    type: `${publicUrl}/docs/errors#${code}`,
    title: toTitle(code),
    status: statuses[code],
    detail: details.detail ?? refusals[code],
    code,
    request_id: requestId,
    ...(details.errors && { errors: details.errors }),
    ...details.members,
  }
}

/** RFC 6750 §3: no error is told to a caller that showed no credential. */
const challenges: { readonly [Code in RefusalCode]?: string } = {
  invalid_token: 'invalid_token',
  token_expired: 'invalid_token',
  session_ended: 'invalid_token',
  token_stale: 'invalid_token',
  refresh_token_reused: 'invalid_token',
  insufficient_user_authentication: 'insufficient_user_authentication',
}

const toChallenge = ({ code, details, message }: Refusal, scheme: string): string => {
  const error = details.reason === 'no_credential' ? undefined : challenges[code]
  const parameters = [
    ...(error ? [`error="${error}"`, `error_description="${message}"`] : []),
    ...(details.maxAge === undefined ? [] : [`max_age="${details.maxAge}"`]),
  ]
  return [scheme, parameters.join(', ')].filter(Boolean).join(' ')
}

/** The headers that an answer of this refusal carries: what to show, when to come back, what is allowed. */
export const refusalHeaders = (refusal: Refusal, scheme: string): Record<string, string> => {
  const { code, details } = refusal
  const headers: Record<string, string> = { 'cache-control': 'no-store' }
  if (statuses[code] === 401) headers['www-authenticate'] = toChallenge(refusal, scheme)
  if (details.retryAfter !== undefined) headers['retry-after'] = String(details.retryAfter)
  if (details.allow !== undefined) headers.allow = details.allow.join(', ')
  return headers
}

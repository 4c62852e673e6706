/**
 * The catalogue of refusals: every expected "no" that a caller can get, with the text that it gets.
 * Codes are the contract; statuses stand in `http/problem.ts`. A text never says more than its code.
 */
export const refusals = {
  validation_failed: 'The request does not have the expected form.',
  malformed_json: 'The body is not valid JSON.',
  malformed_request: 'The request could not be read.',
  password_too_short: 'The password is too short.',
  password_blocklisted: 'The password is easy to guess or known to attackers. Choose another.',
  username_taken: 'This username is taken.',
  invalid_credentials: 'The credentials are wrong.',
  mfa_required: 'A second factor is needed to go on.',
  password_change_required: 'A new password must be set before anybody is signed in.',
  invalid_mfa_code:
    'The code is wrong or was used before, or this sign-in has been tried too often or for too long: then begin it again.',
  invalid_link: 'This link is not valid, was used before, or has expired.',
  invalid_token: 'The token is not valid.',
  token_expired: 'The access token has expired. Refresh it.',
  session_ended: 'The session has ended. Sign in again.',
  token_stale: 'What you may do has changed. Refresh the access token.',
  session_renewed: 'The session has just been renewed. Use the new token.',
  several_credentials: 'The request carries more than one credential. Send one.',
  refresh_token_reused: 'An old refresh token was used. The session was ended to be safe. Sign in again.',
  insufficient_permission: 'You may not do this.',
  second_factor_required: 'This needs a session with a second factor.',
  insufficient_user_authentication: 'This needs a recent sign-in. Confirm your password and try again.',
  csrf_failed: 'The request does not show that it comes from this site: send its Origin and X-CSRF-Token.',
  not_found: 'There is nothing here.',
  method_not_allowed: 'This address does not take this method.',
  not_acceptable: 'The answer is JSON, which the Accept header does not allow.',
  conflict: 'This conflicts with the present state.',
  last_administrator: 'The last administrator must stay. Make another one first, who can sign in.',
  precondition_required: 'Send If-Match with the ETag of what you read.',
  precondition_failed: 'It has changed since you read it. Read it again.',
  idempotency_key_reused: 'This idempotency key was used for another request.',
  body_too_large: 'The body is too large.',
  headers_too_large: 'The headers are too large.',
  request_timeout: 'The request did not arrive in time.',
  unsupported_media_type: 'The body must be application/json.',
  https_required: 'This address takes https only. What was sent could be read on the way.',
  wrong_host: 'There is no API under this host name.',
  rate_limited: 'Too many requests. Try again later.',
  no_answer: 'The server gave no answer. What was asked may have been done.',
  unavailable: 'The service is not available at the moment. Try again soon.',
  internal_error: 'Something went wrong on our side.',
} as const

export type RefusalCode = keyof typeof refusals

export type FieldError = { readonly path: string; readonly message: string }

export type RefusalDetails = {
  /** A stable id of the exact reason, for the audit log and the person who may know it. */
  readonly reason?: string
  /** The permission or rule that the caller lacked, as access rules read: for the audit log alone. */
  readonly lacks?: string
  /** Whose credential was refused; only where its text is proven ours. */
  readonly session?: { readonly userId: string; readonly sessionId: string }
  /** An audit event of its own tells of it, so it is not counted as well. */
  readonly hasEvent?: true
  /** What is wrong with which part of the input. */
  readonly errors?: readonly FieldError[]
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number
  /** The oldest sign-in that would do, in seconds (RFC 9470 `max_age`). */
  readonly maxAge?: number
  /** The methods that the address does take. */
  readonly allow?: readonly string[]
  /** What the code's contract adds to the answer, by name. */
  readonly members?: Readonly<Record<string, string | number | readonly string[]>>
  /** Says more than the catalogue's text, and nothing that the caller may not know. */
  readonly detail?: string
}

/**
 * An expected "no". Thrown to refuse a request; *returned* from a transaction when it must leave a
 * trace (see `storage/transaction.ts`).
 *
 *     throw new Refusal('not_found')
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly details: RefusalDetails

  constructor(code: RefusalCode, details: RefusalDetails = {}) {
    super(details.detail ?? refusals[code])
    this.code = code
    this.details = details
  }
}

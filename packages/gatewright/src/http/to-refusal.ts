import type { FastifyError } from 'fastify'
import { Refusal, type RefusalCode } from '../ground/refusal.ts'
import { isDatabaseFailure } from '../storage/database-failure.ts'
import { toFieldErrors } from './validation-errors.ts'

/** What Fastify and Node.js refuse by themselves, by their codes. */
const codes: Readonly<Record<string, RefusalCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_INVALID_URL: 'malformed_request',
  FST_ERR_ROUTE_MISSING_CONTENT: 'malformed_request',
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'unsupported_media_type',
  FST_ERR_VALIDATION: 'validation_failed',
  FST_ERR_NOT_FOUND: 'not_found',
  FST_ERR_ASYNC_CONSTRAINT: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
  BROKEN_REQUEST: 'malformed_request',
  ECONNRESET: 'malformed_request',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

type ValidationEntry = NonNullable<FastifyError['validation']>[number]

/** Enough to mend a form by. */
const mostErrors = 20

const toValidationRefusal = (error: FastifyError, entries: readonly ValidationEntry[]): Refusal => {
  // An id that can't be one names nothing: the answer is the same as for an unknown id.
  if (error.validationContext === 'params') return new Refusal('not_found')
  return new Refusal('validation_failed', {
    errors: toFieldErrors(entries).slice(0, mostErrors),
  })
}

/** Whatever was thrown, as a refusal. What nobody expected is `internal_error`, and says nothing more. */
export const toRefusal = (error: unknown): Refusal => {
  if (error instanceof Refusal) return error
  if (!(error instanceof Error)) return new Refusal('internal_error')
  const { code, validation } = error as Partial<FastifyError>
  if (validation !== undefined) return toValidationRefusal(error as FastifyError, validation)
  if (isDatabaseFailure(error)) return new Refusal('unavailable', { reason: 'database', retryAfter: 1 })
  return new Refusal((code !== undefined && codes[code]) || 'internal_error')
}

import type { LimitReport } from '../limits/limit-report.ts'

/** Header names in lower case, as Node.js has them. */
export type RateLimitHeaders = {
  readonly 'ratelimit-policy'?: string
  readonly ratelimit?: string
  readonly 'retry-after'?: string
}

/**
 * A report of the limiter as headers, in the structured fields of
 * draft-ietf-httpapi-ratelimit-headers-10 and RFC 9110 §10.2.3. No rows, no headers: the draft's
 * lists are never empty.
 *
 * `t` is the time until one more request is available. A refusal states it only for the rows that
 * refuse, because `Retry-After` must not be earlier than any `t`.
 *
 *     toRateLimitHeaders(limiter.take('sign-in', keys))
 *     // { 'ratelimit-policy': '"sign-in-address-username";q=5;w=60',
 *     //   ratelimit: '"sign-in-address-username";r=4;t=12' }
 */
export const toRateLimitHeaders = ({ allowed, retryAfter, rows }: LimitReport): RateLimitHeaders => {
  const retry = allowed ? {} : { 'retry-after': String(retryAfter) }
  if (rows.length === 0) return retry
  let policies = ''
  let standings = ''
  for (const row of rows) {
    const comma = policies === '' ? '' : ', '
    policies += `${comma}"${row.policy}";q=${row.quota};w=${row.window}`
    standings += comma + toServiceLimit(row, allowed || row.remaining === 0)
  }
  return allowed
    ? { 'ratelimit-policy': policies, ratelimit: standings }
    : { 'ratelimit-policy': policies, ratelimit: standings, ...retry }
}

// A policy name is letters and dashes, which a test of the table holds: nothing in it needs escaping.
const toServiceLimit = (row: LimitReport['rows'][number], withReset: boolean): string =>
  `"${row.policy}";r=${row.remaining}${withReset ? `;t=${row.reset}` : ''}`

import { Refusal } from '../ground/refusal.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Passage } from './passage.ts'

type Dependencies = { readonly limiter: Limiter }

const limit = 'refused-credential'

/**
 * Asked before a credential is judged that this process has not seen before, which costs a signature or a
 * query. Charges nothing: only what turns out to be nobody's counts.
 * @throws Refusal `rate_limited` for an address that has shown too many of those
 */
export const admitUnknown = ({ limiter }: Dependencies, passage: Passage): void => {
  const report = limiter.look(limit, { address: passage.address })
  if (report.allowed) return
  passage.reports = [...passage.reports, report]
  throw new Refusal('rate_limited', { reason: limit, retryAfter: report.retryAfter })
}

/** Counts a credential that is nobody's. One that is proven ours, and over, is no guess. */
export const countRefused = ({ limiter }: Dependencies, { address }: Passage, error: unknown): void => {
  if (error instanceof Refusal && error.code === 'invalid_token' && error.details.session === undefined)
    void limiter.take(limit, { address })
}

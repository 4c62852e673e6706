import { Refusal } from '../ground/refusal.ts'
import type { Limiter } from '../limits/limiter.ts'
import { hashText, type KnownSecrets } from './known-secrets.ts'
import type { Passage } from './passage.ts'

type Dependencies = { readonly limiter: Limiter; readonly knownSecrets: KnownSecrets }

const limit = 'refused-credential'

/**
 * Asked before a signature is checked or a query made for a credential that this process has not seen to be
 * good: from an address that has shown too many bad ones, no further one is judged. What this process gave or
 * knows goes on, so nobody's neighbour signs him out.
 * @throws Refusal `rate_limited`
 */
export const admitUnknown = (
  { limiter, knownSecrets }: Dependencies,
  passage: Passage,
  text: string,
): void => {
  const report = limiter.look(limit, { address: passage.address })
  if (!report.allowed && !knownSecrets.has(hashText(text))) {
    passage.reports = [...passage.reports, report]
    throw new Refusal('rate_limited', { reason: limit, retryAfter: report.retryAfter })
  }
  passage.hasUnknownCredential = true
}

/** Once it was judged, and refused. */
export const countRefused = async (
  { limiter }: Pick<Dependencies, 'limiter'>,
  { address, hasUnknownCredential }: Passage,
): Promise<void> => {
  if (hasUnknownCredential) await limiter.take(limit, { address })
}

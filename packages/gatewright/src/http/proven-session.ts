import type { RefusalKind } from '../audit/refusal-counts.ts'
import type { Passage } from '../gate/passage.ts'
import type { Refusal } from '../ground/refusal.ts'

/**
 * Whose credential was refused, where it is proven to be one of ours. What a revoked key has signed names nobody:
 * somebody else may hold that key.
 */
export const findProvenSession = (
  { session, apiKeyOwner }: Passage,
  { details }: Refusal,
): RefusalKind['session'] => {
  if (details.reason === 'key_revoked') return undefined
  if (apiKeyOwner !== undefined) return { userId: apiKeyOwner.userId, apiKey: apiKeyOwner.keyId }
  return session && { userId: session.userId, sessionId: session.sessionId }
}

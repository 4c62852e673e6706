import type { FastifyRequest } from 'fastify'
import type { RefusalKind } from '../audit/refusal-counts.ts'
import type { Engine } from '../compose.ts'
import type { Passage } from '../gate/passage.ts'
import { addressGroup } from '../ground/address.ts'
import type { Refusal } from '../ground/refusal.ts'
import { statuses } from './problem.ts'

/** What a revoked key has signed names nobody: somebody else may hold that key. */
const findProvenSession = (
  { session, apiKeyOwner }: Passage,
  { details }: Refusal,
): RefusalKind['session'] => {
  if (details.reason === 'key_revoked') return undefined
  if (apiKeyOwner !== undefined) return { userId: apiKeyOwner.userId, apiKey: apiKeyOwner.keyId }
  return session && { userId: session.userId, sessionId: session.sessionId }
}

/**
 * Every 401 to a credential that was shown is counted for the audit log, but those of which an audit event of
 * their own tells. Costs no I/O, whatever was shown.
 */
export const noteRefusedCredential = (
  { refusedCredentials }: Engine,
  { passage, id: requestId }: FastifyRequest,
  refusal: Refusal,
): void => {
  const { code, details } = refusal
  if (passage === undefined || statuses[code] !== 401) return
  // For the log as well.
  passage.session ??= details.session
  if (details.hasEvent || details.reason === 'no_credential') return
  refusedCredentials.note({
    reason: details.reason ?? code,
    addressGroup: addressGroup(passage.address),
    session: findProvenSession(passage, refusal),
    requestId,
  })
}

import type { FastifyRequest } from 'fastify'
import type { RefusalKind } from '../audit/refusal-counts.ts'
import type { Engine } from '../compose.ts'
import type { Passage } from '../gate/passage.ts'
import { addressGroup } from '../ground/address.ts'
import type { Refusal } from '../ground/refusal.ts'
import { countedAs } from './refusal-table.ts'

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
 * Counts a refusal for the audit record as its table says, but one of which an audit event of its own tells. Costs no
 * I/O, whatever was asked.
 */
export const noteRefusal = (
  { refusals }: Engine,
  { passage, id: requestId }: FastifyRequest,
  refusal: Refusal,
): void => {
  const { code, details } = refusal
  if (passage === undefined) return
  // For the log as well.
  passage.session ??= details.session
  const event = details.hasEvent ? undefined : countedAs(code, details.reason)
  if (event === undefined) return
  refusals.note({
    event,
    reason: details.reason ?? code,
    lacks: details.lacks,
    addressGroup: addressGroup(passage.address),
    session: findProvenSession(passage, refusal),
    requestId,
  })
}

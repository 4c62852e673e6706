import type { FastifyRequest } from 'fastify'
import type { Engine } from '../compose.ts'
import { addressGroup } from '../ground/address.ts'
import type { Refusal } from '../ground/refusal.ts'
import { findProvenSession } from './proven-session.ts'
import { countedAs } from './refusal-table.ts'

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

import { sha256 } from '../ground/encoding.ts'
import type { AuditEventRow } from '../storage/tables.ts'

/**
 * Every column of an event, in this order for ever: `details` and `commitments` as the texts that are stored. What
 * is personal is in it by its commitments alone, so the hash is the same before an erasure and after it. A column
 * that is added later stands behind these, and is left out where it is null.
 */
const toCanonical = (row: AuditEventRow): string =>
  JSON.stringify([
    row.id,
    row.at,
    row.event,
    row.user_id,
    row.actor,
    row.api_key_id,
    row.session_id,
    row.address,
    row.request_id,
    row.reason,
    row.details,
    row.commitments,
  ])

/** The hash before the first one. */
export const genesis = sha256('gatewright audit chain')

export type Place = { readonly position: number; readonly previousHash: string }

/**
 * The hash of an event at its place in the chain: SHA-256, in base64url, of what is sealed (with its version), the
 * position, the hash before and the event, a line each.
 */
export const hashOf = ({ position, previousHash }: Place, row: AuditEventRow): string =>
  sha256(`gatewright audit seal 1\n${position}\n${previousHash}\n${toCanonical(row)}`)

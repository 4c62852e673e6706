import type { DetailValue } from './commitments.ts'

/** Where a change comes from. `actor` is a user's id, `command-line` or `system`. */
export type Origin = {
  readonly actor: string | null
  /** The API key by which that user acted. */
  readonly apiKeyId?: string | null
  readonly address: string | null
  readonly requestId: string | null
}

export type AuditEntry<Details = Readonly<Record<string, DetailValue>>> = {
  readonly origin: Origin
  /** The user whose account it concerns. */
  readonly userId?: string
  readonly sessionId?: string
  /** A stable id of the exact reason; never words of somebody's. */
  readonly reason?: string
  /** Facts without secrets, passwords or tokens. */
  readonly details?: Details
}

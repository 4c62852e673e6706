/** One thing that happened, as administrators read it. */
export type AuditEvent = {
  readonly id: string
  readonly at: string
  readonly event: string
  /** The story in one sentence, in English. */
  readonly text: string
  /** Whom it concerns; a deleted user has no name any more. */
  readonly user: { readonly id: string; readonly username: string | null } | null
  /** A user's id, `command-line` or `system`; null where nobody was known. */
  readonly actor: string | null
  readonly api_key_id: string | null
  readonly session_id: string | null
  readonly address: string | null
  readonly request_id: string | null
  readonly reason: string | null
  readonly details: Readonly<Record<string, unknown>>
  /** Names of what was personal and is erased. */
  readonly erased: readonly string[]
  /** Its place in the chain; null until it is sealed. */
  readonly position: number | null
}

/** Which events are looked for. */
export type AuditSearch = {
  readonly user?: string
  readonly event?: string
  readonly address?: string
  readonly from?: string
  readonly until?: string
  readonly session?: string
  readonly request?: string
  /** How many of them at once. */
  readonly limit?: string
}

/** What can happen, and when that is recorded. */
export type EventKind = { readonly event: string; readonly when: string }

/** Where checkpoints also go. */
export type Anchor = 'none' | 'file' | 'https' | 'mailto'

/** How far the log is sealed, and where that is signed. */
export type Chain = {
  /** Its first entry; those before it were kept long enough. */
  readonly beginning: number
  readonly sealed_to: number
  readonly unsealed: number
  readonly unsealed_seconds: number
  readonly anchor: Anchor
  readonly checkpoints: readonly {
    readonly position: number
    readonly at: string
    readonly anchored_at: string | null
    /** Why it has not left this machine. */
    readonly problem: string | null
  }[]
}

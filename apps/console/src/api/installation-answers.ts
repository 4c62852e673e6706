export type Health = {
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly warnings: readonly string[]
  readonly processes: readonly {
    readonly kind: string
    readonly version: string
    readonly host: string
    readonly silent: boolean
    readonly address_trouble: string | null
    readonly started_at: string
    readonly seen_at: string
  }[]
  readonly mail: { readonly waiting: number; readonly given_up: number }
  readonly housekeeping: readonly { readonly task: string; readonly succeeded_at: string | null }[]
  /** How old the view of what ended is; null before it was read. */
  readonly feed: { readonly age_ms: number | null; readonly most_ms: number }
  /** What the doctor finds, in English, with what to do; null for who may not see the settings. */
  readonly findings: readonly {
    readonly check: string
    readonly level: 'warning' | 'problem'
    readonly found: string | null
    readonly means: string | null
    readonly do: string | null
  }[]
}

/** What one day had, which is one of UTC. */
export type Day = {
  readonly day: string
  readonly new_users: number
  readonly sign_ins: number
  readonly failed_sign_ins: number
  readonly failed_second_factors: number
  readonly new_api_keys: number
}

/** What was counted in the step of time that began then. */
export type Point = {
  readonly start: string
  readonly requests: number
  readonly refused: number
  readonly limited: number
  readonly errors: number
  readonly sign_ins: number
  readonly failed_sign_ins: number
  readonly second_factors_failed: number
  readonly refreshes: number
  readonly reuses: number
  readonly ended_sessions: number
  readonly unusual: number
}

/** By which steps, and from when; without a word the last day by hours. */
export type AskedSeries = { readonly step?: 'hour' | 'day'; readonly from?: string }

/** How many there are of what; a figure of `most` stands for so many or more. */
export type Statistics = {
  readonly counted_at: string
  readonly most: number
  readonly users: { readonly total: number; readonly disabled: number; readonly with_second_factor: number }
  readonly administrators: { readonly total: number; readonly without_second_factor: number }
  readonly services: number
  readonly sessions: number
  readonly api_keys: number
  readonly invitations: number
  readonly days: readonly Day[]
  /** The oldest first. */
  readonly series: readonly Point[]
}

/** Another server whose access tokens are taken, or that is blocked. */
export type Issuer = {
  readonly issuer: string
  readonly in_settings: boolean
  readonly audience: string | null
  readonly algorithms: readonly string[]
  readonly local_user: 'required' | 'none' | null
  readonly permissions: readonly string[]
  readonly linked: number
  readonly blocked_at: string | null
  readonly keys_read_at: string | null
  readonly keys_trouble: string | null
  readonly warnings: readonly string[]
}

/** Whom another issuer names, and what that is linked to here. */
export type Identity = { readonly issuer: string; readonly subject: string; readonly linked_at: string }

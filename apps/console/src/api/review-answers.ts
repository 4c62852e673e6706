export type FindingKind =
  | 'administrator-without-factor'
  | 'disabled-with-roles'
  | 'unused-role'
  | 'unbounded-key'
  | 'unused-key'
  | 'lasting-key'
  | 'silent-service'
  | 'ownerless-service'
  | 'lasting-session'
  | 'open-invitation'
  | 'partly-used-role'
  | 'partly-used-key'
  | 'unused-permission'
  | 'unheld-role'

type Named = { readonly kind: string; readonly id: string; readonly name: string }

/** Something that an auditor would ask about. */
export type Finding = {
  readonly id: string
  readonly kind: FindingKind
  readonly subject: Named
  readonly owner: Named | null
  readonly role: string | null
  readonly granted: readonly string[]
  readonly unused: readonly string[]
  /** What is left when it is taken away. */
  readonly others: readonly string[]
  readonly since: string | null
  readonly last_used_at: string | null
  readonly ends_at: string | null
}

export type Review = {
  readonly at: string
  readonly uses_noted_since: string
  readonly digest: string
  readonly complete: boolean
  readonly total: number
  readonly counts: readonly {
    readonly kind: FindingKind
    readonly findings: number
    readonly more: boolean
  }[]
}

export type ReviewPage = {
  readonly data: readonly Finding[]
  readonly next_cursor: string | null
  readonly review: Review
}

export type SignOff = {
  readonly at: string
  readonly by: { readonly name: string } | null
  readonly digest: string
  readonly findings: number
  readonly comment: string | null
}

import type { Device } from './answers.ts'

/** One page of a list, and where the next one begins. */
export type CursorPage<Item> = { readonly data: readonly Item[]; readonly next_cursor: string | null }

export type State = 'enabled' | 'disabled'

export type ListedUser = {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly email_verified: boolean
  readonly roles: readonly string[]
  readonly state: State
  readonly disabled_at: string | null
  /** The next sign-in asks for a new password. */
  readonly password_change_due: boolean
  readonly created_at: string
}

/** A user as administrators see one. */
export type AdministeredUser = ListedUser & {
  readonly has_password: boolean
  readonly factors: {
    readonly passkeys: number
    readonly totp: boolean
    readonly recovery_codes: number
  }
  readonly sessions: number
  readonly api_keys: number
  readonly last_sign_in_at: string | null
}

/** Which users are looked for: the beginning of a name or address, a role, a state. */
export type UserSearch = { readonly q?: string; readonly role?: string; readonly state?: State }

/** An invitation whose link still opens something. */
export type OpenInvitation = {
  readonly id: string
  readonly email: string
  readonly roles: readonly string[]
  readonly invited_by: string | null
  readonly created_at: string
  readonly expires_at: string
}

/** A program that is let in by API keys alone. */
export type Service = {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly roles: readonly string[]
  readonly state: State
  readonly created_at: string
}

/** Whether somebody may do something, and why. */
export type Explanation = {
  readonly allowed: boolean
  readonly code: string | null
  readonly asked: string
  readonly rule: string | null
  readonly parts: readonly {
    readonly depth: number
    readonly text: string
    readonly held: boolean
    readonly why: string | null
  }[]
  /** What the route asks for once it knows the input. */
  readonly further: { readonly rule: string; readonly allowed: boolean } | null
}

/** One sign-in of anybody. */
export type AnySession = Device & { readonly user: { readonly id: string; readonly username: string } }

/** A key that signs access tokens, has signed them, or will. */
export type SigningKey = {
  readonly kid: string
  readonly algorithm: string
  readonly state: 'published' | 'active' | 'retired' | 'gone'
  readonly published_at: string
  readonly revoked_at: string | null
}

/** When the next key signs; null where it does already. */
export type Rotation = { readonly rotates_at: string | null }

/** A named set of permissions. */
export type Role = {
  readonly name: string
  /** Whether it stands in Gatewright, in the application, or was made by an administrator. */
  readonly kind: 'built-in' | 'declared' | 'made'
  readonly description: string
  readonly permissions: readonly string[]
  readonly holders: number
}

export type KnownPermission = { readonly name: string; readonly allows: string }

export type SettingsShown = {
  readonly settings: readonly {
    readonly name: string
    readonly value: string
    readonly source: string
  }[]
  /** Why the rules of production hold; none where they do not. */
  readonly production_rules: readonly string[]
}

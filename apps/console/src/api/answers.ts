import type { OwnEvent } from '../activity/own-story.ts'

export type User = {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly email_verified: boolean
  readonly roles: readonly string[]
  /** What this session may do. */
  readonly permissions: readonly string[]
  /** Permissions that count only in a session with a second factor, which this one is not. */
  readonly withheld_permissions: readonly string[]
  /** In which language mail is written. */
  readonly locale: string
  readonly created_at: string
  /** Until when sign-in on new devices is delayed, after too many wrong passwords. */
  readonly sign_in_delayed_until: string | null
  /** What outlived a reset of the password is to be looked at. */
  readonly review_due: boolean
}

/** One sign-in on one device. */
export type Device = {
  readonly id: string
  readonly current: boolean
  /** Null where the device does not say. */
  readonly program: string | null
  readonly system: string | null
  readonly address: string
  readonly created_at: string
  readonly last_used_at: string
  readonly expires_at: string
}

/** What happened to the own account. */
export type Happened = OwnEvent & {
  readonly id: string
  readonly by: 'you' | 'administrator' | 'system' | 'unknown'
  readonly session_id: string | null
  /** Null where it is not known, or is somebody else's. */
  readonly address: string | null
}

/** A browser that has signed in before, whether it is signed in or not. */
export type KnownDevice = Pick<Device, 'id' | 'program' | 'system' | 'created_at' | 'last_used_at'> & {
  readonly address: string | null
}

/** What brings a known device back that was forgotten. */
export type Forgotten = { readonly undo_token: string }

/** Who is signed in here. */
export type Current = { readonly user: User; readonly csrf_token?: string }

export type Registration = {
  readonly username: string
  readonly password: string
  readonly email?: string
  /** What the link of an invitation carries. */
  readonly invitation?: string
}

/** How easily a password is guessed: the score is 0 to 4, the texts are English. */
export type Strength = {
  readonly score: number
  readonly warning: string | null
  readonly suggestions: readonly string[]
}

/** One that its owner can sign in with. */
export type Passkey = {
  readonly id: string
  readonly name: string
  readonly created_at: string
  readonly last_used_at: string | null
  /** Since when it opens nothing, because it may have been copied. */
  readonly refused_since: string | null
}

/** What an account has beside its password. */
export type Factors = {
  /** By which a second factor can be shown; none where the password is all there is. */
  readonly methods: readonly string[]
  readonly totp: { readonly created_at: string; readonly last_used_at: string } | null
  readonly recovery_codes: { readonly left: number }
}

/** By what somebody signed in proves once more who it is, and what a passkey is asked for. */
export type StepUpOptions = { readonly methods: readonly string[]; readonly passkey?: unknown }

/** What an authenticator app is given: the secret as text and as a picture. */
export type AuthenticatorSecret = { readonly secret: string; readonly uri: string; readonly qr_svg: string }

/** The recovery codes come with the first factor, once. */
export type NewFactor = { readonly recovery_codes?: readonly string[] }

/** What a link brings: where it ends with a new password, what that is set with. */
export type LinkAnswer = { readonly reset_token?: string } | undefined

/** What somebody shows to prove who it is. */
export type Proof =
  | { readonly password: string }
  | { readonly method: 'totp' | 'recovery_code'; readonly code: string }
  | { readonly method: 'passkey'; readonly response: unknown }

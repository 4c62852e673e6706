/** An API key as lists show it: never the key itself. */
export type ApiKey = {
  readonly id: string
  /** By which its owner knows it again. */
  readonly prefix: string
  readonly name: string
  readonly permissions: readonly string[]
  readonly allowed_addresses: readonly string[]
  readonly state: 'live' | 'replaced' | 'expired' | 'ended'
  readonly created_at: string
  readonly expires_at: string | null
  readonly last_used_at: string | null
  readonly last_used_address: string | null
}

/** With the key, which is told this once. */
export type NewApiKey = ApiKey & { readonly key: string }

/** What a key is made of. */
export type KeyRequest = {
  readonly name: string
  readonly permissions: readonly string[]
  readonly expires_at: string | null
  readonly allowed_addresses: readonly string[]
}

/** A key with whose it is. */
export type OwnedKey = ApiKey & {
  readonly owner: { readonly id: string; readonly username: string; readonly kind: string }
}

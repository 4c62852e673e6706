import type { DigestPattern } from './texts/unusual.ts'

/** Pages of the console that a link leads to: `<PUBLIC_URL>/console/<page>#<token>`. */
export const linkPages = {
  verify: 'verify',
  reset: 'reset',
  undo: 'undo-email',
  notMe: 'not-me',
  invitation: 'invitation',
  first: 'reset',
  prove: 'prove',
} as const
export type LinkName = keyof typeof linkPages

type Letter = {
  /** What it is sent for: the one link that stands above all. */
  readonly link?: LinkName
}

/**
 * Every mail that is sent, by what it is. A notice tells an owner of what happened to the own account; its
 * link is for whoever did not do that. A new one is a row here, and a text in each language.
 */
export const letters = {
  'verify-email': { link: 'verify' },
  'address-taken': {},
  'reset-password': { link: 'reset' },
  invitation: { link: 'invitation' },
  'account-created': { link: 'first' },
  'email-changed': { link: 'undo' },
  'email-change-undone': { link: 'notMe' },
  denied: { link: 'notMe' },
  'new-device': { link: 'notMe' },
  'password-changed': { link: 'notMe' },
  'password-reset': { link: 'notMe' },
  'password-change-forced': { link: 'reset' },
  'factor-added': { link: 'notMe' },
  'factor-removed': { link: 'notMe' },
  'factors-reset': { link: 'notMe' },
  'factor-failed': { link: 'notMe' },
  'recovery-codes-renewed': { link: 'notMe' },
  'recovery-code-used': { link: 'notMe' },
  'api-key-created': { link: 'notMe' },
  'api-key-expiring': { link: 'notMe' },
  'service-key-created': { link: 'notMe' },
  'identity-linked': { link: 'notMe' },
  'identity-unlinked': { link: 'notMe' },
  'refresh-token-reused': { link: 'notMe' },
  'passkey-cloned': { link: 'notMe' },
  'sign-in-held': { link: 'prove' },
  'many-failures': {},
  'success-after-failures': { link: 'notMe' },
  'administrator-from-new-network': { link: 'notMe' },
  'unusual-sign-ins': {},
  'audit-checkpoint': {},
} as const satisfies Readonly<Record<string, Letter>>

export type LetterName = keyof typeof letters

/** Those that tell an owner of what happened. */
export type NoticeName = {
  [Name in LetterName]: (typeof letters)[Name] extends { readonly link: 'notMe' } ? Name : never
}[LetterName]

/** What somebody asks for who is not told what comes of it: see `asked.ts`. */
export type AskName = 'forgotten' | 'given' | 'guessed' | 'unusual-digest'

/** How many unusual sign-ins there were, by pattern (`unusual/patterns.ts`). */
export type UnusualCounts = Partial<Record<DigestPattern, number>>

/** What a text may name. Whoever reads the mail reads it; secrets stand in links only. */
export type LetterValues = {
  readonly username?: string
  /** RFC 3339, UTC. */
  readonly at?: string
  readonly address?: string
  /** As it says itself (User-Agent). */
  readonly device?: string
  readonly factor?: 'totp' | 'passkey' | 'recovery_code'
  /** The address that an account has from now on. */
  readonly email?: string
  /** Who invites; the command line is nobody. */
  readonly inviter?: string
  /** The name of an API key. */
  readonly key?: string
  /** The service whose key it is. */
  readonly service?: string
  /** The day on which it ends, in UTC. */
  readonly until?: string
  /** Another issuer, as its tokens name it. */
  readonly issuer?: string
  /** The names of API keys that ended with what happened. */
  readonly keys?: string
  /** A signed checkpoint of the audit log: one line of JSON. */
  readonly checkpoint?: string
  /** How many are left. */
  readonly left?: string
  readonly unusual?: UnusualCounts
}

import { sha256 } from '../ground/encoding.ts'
import type { RoleTable } from '../permissions/roles.ts'
import type { Database } from '../storage/tables.ts'

/** What an access review looks for, in the order in which it is shown: what is most urgent first. */
export const findingKinds = [
  'administrator-without-factor',
  'disabled-with-roles',
  'unused-role',
  'unbounded-key',
  'unused-key',
  'lasting-key',
  'silent-service',
  'ownerless-service',
  'lasting-session',
  'open-invitation',
  'partly-used-role',
  'partly-used-key',
  'unused-permission',
  'unheld-role',
] as const

export type FindingKind = (typeof findingKinds)[number]

/** Whom or what a finding is about. */
export type Subject = {
  readonly kind: 'user' | 'service' | 'role' | 'api-key' | 'session' | 'invitation'
  readonly id: string
  /** As it is shown to administrators; empty where it has none. */
  readonly name: string
}

export type Finding = {
  readonly kind: FindingKind
  readonly subject: Subject
  /** Whose key, session or invitation it is. */
  readonly owner?: { readonly kind: 'user' | 'service'; readonly id: string; readonly name: string }
  /** By which role somebody holds what was granted. */
  readonly role?: string
  /** What is left when it is taken away: of a user roles, of a role permissions. Undefined where only code takes it. */
  readonly others?: readonly string[]
  /** What was granted: permissions, or for `disabled-with-roles` roles. */
  readonly granted: readonly string[]
  /** Of what was granted, what was not used in the time asked for. */
  readonly unused?: readonly string[]
  /** When it was granted, made or begun; null where a former version did not note it. */
  readonly since: number | null
  /** Undefined where use says nothing here; null: never, as far as is known. A day of use is its beginning. */
  readonly lastUsedAt?: number | null
  /** When it ends by itself; undefined where it says nothing here, null: never. */
  readonly endsAt?: number | null
}

export type Found = {
  readonly findings: readonly Finding[]
  /** Of these kinds there may be more: not everything was looked at. */
  readonly more: readonly FindingKind[]
}

/** What every part of a review rests on. */
export type Looking = {
  readonly db: Database
  readonly roleTable: RoleTable
  readonly now: number
  /** The beginning of a day: what was used on it or later counts as used. */
  readonly usedAfter: number
  /** Since when uses are noted: what was granted before is known to be unused from then on only. */
  readonly notedSince: number
}

/** The same for what is the same, in each review. */
export const findingId = ({ kind, subject, role = '' }: Finding): string =>
  sha256([kind, subject.kind, subject.id, role].join('\n')).slice(0, 22)

/** Whether it has been there, and watched, long enough to be called unused. */
export const isWatchedLong = ({ usedAfter, notedSince }: Looking, since: number | null): boolean =>
  Math.max(since ?? notedSince, notedSince) < usedAfter

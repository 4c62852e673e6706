import { canonicalJson } from '../ground/canonical-json.ts'
import { type Clock, day, startOfDay } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import type { LiveRoleTable } from '../permissions/live-roles.ts'
import type { Place } from '../storage/keyset.ts'
import type { Database } from '../storage/tables.ts'
import { findHeldRoles } from './find-held-roles.ts'
import { findKeys } from './find-keys.ts'
import { findInvitations, findSessions } from './find-open.ts'
import { findRoles } from './find-roles.ts'
import { findServices } from './find-services.ts'
import { type Finding, type FindingKind, findingId, findingKinds, type Looking } from './finding.ts'
import { readHolders } from './holders.ts'
import type { PermissionUses } from './permission-uses.ts'

export type ReviewDependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly roleTable: LiveRoleTable
  readonly permissionUses: Pick<PermissionUses, 'write'>
  /** Last uses of API keys, of sessions: noted in memory as well. */
  readonly keyUses: Pick<PermissionUses, 'write'>
}

/** A finding with an id that it has in every review. */
export type ReviewedFinding = Finding & { readonly id: string }

export type Review = {
  readonly at: number
  /** Days. */
  readonly unusedFor: number
  /** What was granted before is known to be unused from then on only. */
  readonly usesNotedSince: number
  /** In the order of their kinds, then by name. */
  readonly findings: readonly ReviewedFinding[]
  readonly counts: readonly {
    readonly kind: FindingKind
    readonly findings: number
    /** There may be more: not everything was looked at. */
    readonly more: boolean
  }[]
  /** Whether everything was looked at. */
  readonly isComplete: boolean
  /** Of everything that a finding says but the last use, which changes with every use. */
  readonly digest: string
}

/** Days without use where nobody says another number. */
export const usualUnusedFor = 90

export const keyOf = ({ kind, subject }: Finding): string =>
  `${String(findingKinds.indexOf(kind)).padStart(2, '0')} ${(subject.name || subject.id).toWellFormed().replaceAll('\0', '')}`

/** Whether it lies behind the place where a page ended. */
export const isAfter = (finding: ReviewedFinding, place: Place | undefined): boolean => {
  if (place === undefined) return true
  const key = keyOf(finding)
  return key === place.key ? finding.id > place.id : key > place.key
}

const inOrder = (a: ReviewedFinding, b: ReviewedFinding): number => {
  if (a.id === b.id) return 0
  return isAfter(a, { key: keyOf(b), id: b.id }) ? 1 : -1
}

const readNotedSince = async (db: Database, now: number): Promise<number> => {
  const row = await db.selectFrom('installation').select('uses_noted_since').executeTakeFirst()
  return row?.uses_noted_since ?? now
}

const digestOf = (unusedFor: number, findings: readonly ReviewedFinding[], more: readonly string[]): string =>
  sha256(
    canonicalJson({
      unusedFor,
      more,
      findings: findings.map(({ lastUsedAt, ...finding }) => finding),
    }),
  )

const lookAtAll = async (looking: Looking) => {
  const holders = await readHolders(looking)
  return [
    await findHeldRoles(looking, holders),
    await findRoles(looking, holders),
    await findKeys(looking),
    await findServices(looking),
    await findSessions(looking),
    await findInvitations(looking),
  ]
}

/**
 * What was granted and not used for so many days, and whatever else an auditor asks for. Reads a bounded number of
 * rows of each kind, by an index, however large the installation is: of what it did not look at, it says so.
 */
export const reviewAccess = async (dependencies: ReviewDependencies, unusedFor: number): Promise<Review> => {
  const { db, clock, roleTable, permissionUses, keyUses } = dependencies
  await Promise.all([permissionUses.write(), keyUses.write(), roleTable.ensureRead()])
  const now = clock.now()
  const notedSince = await readNotedSince(db, now)
  const usedAfter = startOfDay(now) - unusedFor * day
  const found = await lookAtAll({ db, roleTable, now, usedAfter, notedSince })
  const findings = found
    .flatMap(part => part.findings)
    .map(finding => ({ ...finding, id: findingId(finding) }))
    .sort(inOrder)
  const more = [...new Set(found.flatMap(part => part.more))].sort()
  return {
    at: now,
    unusedFor,
    usesNotedSince: notedSince,
    findings,
    counts: findingKinds.map(kind => ({
      kind,
      findings: findings.filter(finding => finding.kind === kind).length,
      more: more.includes(kind),
    })),
    isComplete: more.length === 0,
    digest: digestOf(unusedFor, findings, more),
  }
}

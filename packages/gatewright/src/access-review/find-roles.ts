import { listMadeRoles } from '../permissions/made-roles.ts'
import { administratorRole, defaultRole } from '../permissions/roles.ts'
import { beyondDefault } from './find-held-roles.ts'
import { type Finding, type Found, isWatchedLong, type Looking } from './finding.ts'
import type { Holders } from './holders.ts'
import { latest, readUses } from './read-uses.ts'

/** `admin` has everything by definition; whoever needs less of it gets another role. */
const isReviewed = (role: string): boolean => role !== administratorRole && role !== defaultRole

/** What roles allow that none of their holders used, and roles that nobody has. */
export const findRoles = async (looking: Looking, { holders }: Holders): Promise<Found> => {
  const { db, roleTable, usedAfter } = looking
  const made = new Map((await listMadeRoles(db)).map(role => [role.name, role]))
  const names = [...roleTable.roles.keys()].filter(isReviewed)
  const uses = await readUses(db, 'role', names)
  const held = new Set(holders.map(({ role }) => role))

  const toFinding = (role: string): readonly Finding[] => {
    const since = made.get(role)?.changedAt ?? null
    const subject = { kind: 'role', id: role, name: role } as const
    const granted = beyondDefault(looking, role)
    if (!held.has(role))
      return made.has(role) && (since ?? 0) < usedAfter
        ? [{ kind: 'unheld-role', subject, granted, since }]
        : []
    const days = uses(role)
    const unused = granted.filter(permission => (days.get(permission) ?? 0) < usedAfter)
    if (unused.length === 0 || !isWatchedLong(looking, since)) return []
    const lastUsedAt = latest(granted.map(permission => days.get(permission)))
    const others = (roleTable.roles.get(role) ?? []).filter(one => !unused.includes(one)).sort()
    return [
      {
        kind: 'unused-permission',
        subject,
        granted,
        unused,
        since,
        lastUsedAt,
        ...(made.has(role) && { others }),
      },
    ]
  }
  return { findings: names.flatMap(toFinding), more: [] }
}

import { defaultRole } from '../permissions/roles.ts'
import type { Looking } from './finding.ts'
import { inParts } from './read-uses.ts'

/** Somebody who has a role that not everybody has. */
export type Holder = {
  readonly userId: string
  readonly name: string
  readonly kind: 'user' | 'service'
  readonly isDisabled: boolean
  readonly role: string
  readonly grantedAt: number | null
}

/** Of one role: of more, the review says that there are more. A role that so many have is one of everybody. */
const mostOfRole = 1_000
/** Of all roles together. */
const mostOfAll = 10_000

const readHoldersOf = async ({ db }: Looking, role: string, limit: number): Promise<readonly Holder[]> => {
  const rows = await db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .select(['users.id', 'users.username', 'users.kind', 'users.disabled_at', 'user_roles.granted_at'])
    .where('user_roles.role', '=', role)
    .orderBy('user_roles.user_id')
    .limit(limit)
    .execute()
  return rows.map(({ id, username, kind, disabled_at, granted_at }) => ({
    userId: id,
    name: username,
    kind: kind === 'service' ? 'service' : 'user',
    isDisabled: disabled_at !== null,
    role,
    grantedAt: granted_at,
  }))
}

/** Those of administrators first: where there are too many, they are looked at. */
const rolesToRead = ({ roleTable }: Looking): readonly string[] => {
  const names = [...roleTable.roles.keys()].filter(name => name !== defaultRole).sort()
  return [
    ...names.filter(name => roleTable.administrative.has(name)),
    ...names.filter(name => !roleTable.administrative.has(name)),
  ]
}

export type Holders = { readonly holders: readonly Holder[]; readonly isCut: boolean }

/** Who holds what not everybody does, role by role: bounded, however many users there are. */
export const readHolders = async (looking: Looking): Promise<Holders> => {
  const holders: Holder[] = []
  let isCut = false
  await inParts(rolesToRead(looking), async part => {
    for (const role of part) {
      const limit = Math.min(mostOfRole, mostOfAll - holders.length) + 1
      const found = await readHoldersOf(looking, role, limit)
      isCut ||= found.length === limit
      holders.push(...found.slice(0, limit - 1))
    }
    return []
  })
  return { holders, isCut }
}

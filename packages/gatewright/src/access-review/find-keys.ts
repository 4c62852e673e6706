import { toList } from '../api-keys/known-keys.ts'
import { day } from '../ground/clock.ts'
import { administrativePermissions } from '../permissions/permissions.ts'
import { permissionsOf } from '../permissions/roles.ts'
import { findRoles as findRolesOf } from '../users/users.ts'
import { type Finding, type Found, isWatchedLong, type Looking } from './finding.ts'
import { type DaysOfUse, inParts, readUses } from './read-uses.ts'

/** Of keys that have not ended, so many are looked at, the oldest first. */
const mostKeys = 2_000
/** A key that lives longer is one that nobody will think of when it ends. */
const longLife = 366 * day

const readKeys = ({ db }: Looking) =>
  db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .select([
      'api_keys.id',
      'api_keys.name',
      'api_keys.user_id',
      'api_keys.permissions',
      'api_keys.allowed_addresses',
      'api_keys.created_at',
      'api_keys.expires_at',
      'api_keys.last_used_at',
      'users.username',
      'users.kind',
    ])
    // Anybody can make keys and end them: of those there may be any number.
    .where('api_keys.ended_at', 'is', null)
    .orderBy('api_keys.created_at')
    .orderBy('api_keys.id')
    .limit(mostKeys + 1)
    .execute()

type KeyRow = Awaited<ReturnType<typeof readKeys>>[number]

const toKeyFinding = (row: KeyRow) => ({
  subject: { kind: 'api-key', id: row.id, name: row.name } as const,
  owner: { kind: row.kind === 'service' ? 'service' : 'user', id: row.user_id, name: row.username } as const,
  granted: toList(row.permissions),
  since: row.created_at,
  lastUsedAt: row.last_used_at,
  endsAt: row.expires_at,
})

const findLasting = ({ created_at, expires_at }: KeyRow): boolean =>
  expires_at === null || expires_at - created_at > longLife

const findUse = (looking: Looking, row: KeyRow, days: DaysOfUse): readonly Finding[] => {
  const finding = toKeyFinding(row)
  if ((row.last_used_at ?? row.created_at) < looking.usedAfter)
    return [{ ...finding, kind: 'unused-key', unused: finding.granted }]
  const unused = finding.granted.filter(permission => (days.get(permission) ?? 0) < looking.usedAfter)
  return unused.length > 0 && isWatchedLong(looking, row.created_at)
    ? [{ ...finding, kind: 'partly-used-key', unused }]
    : []
}

/** What the key may do of what only administrators may, as far as its owner's roles allow it. */
const administrativeOf = (
  { roleTable }: Looking,
  row: KeyRow,
  rolesOf: (userId: string) => readonly string[],
): readonly string[] => {
  const held = permissionsOf(roleTable, rolesOf(row.user_id)) as Pick<ReadonlySet<string>, 'has'>
  return toList(row.permissions).filter(one => administrativePermissions.has(one) && held.has(one))
}

const findUnbounded = async (looking: Looking, rows: readonly KeyRow[]): Promise<readonly Finding[]> => {
  const wide = rows.filter(
    row =>
      row.allowed_addresses === '' && toList(row.permissions).some(one => administrativePermissions.has(one)),
  )
  const roles = await inParts([...new Set(wide.map(row => row.user_id))], async ids => {
    const rolesOf = await findRolesOf(looking.db, ids)
    return ids.map(id => [id, rolesOf(id)] as const)
  })
  const byUser = new Map(roles)
  return wide.flatMap(row => {
    const granted = administrativeOf(looking, row, id => byUser.get(id) ?? [])
    return granted.length === 0 ? [] : [{ ...toKeyFinding(row), kind: 'unbounded-key', granted }]
  })
}

/** What there is to say of API keys that have not ended. */
export const findKeys = async (looking: Looking): Promise<Found> => {
  const read = await readKeys(looking)
  const rows = read.slice(0, mostKeys).filter(row => row.expires_at === null || row.expires_at > looking.now)
  const uses = await readUses(
    looking.db,
    'api-key',
    rows.map(({ id }) => id),
  )
  const findings = [
    ...(await findUnbounded(looking, rows)),
    ...rows.flatMap(row => findUse(looking, row, uses(row.id))),
    ...rows.filter(findLasting).map(row => ({ ...toKeyFinding(row), kind: 'lasting-key' as const })),
  ]
  const kinds = ['unbounded-key', 'unused-key', 'lasting-key', 'partly-used-key'] as const
  return { findings, more: read.length > mostKeys ? kinds : [] }
}

import { namedRole } from '../permissions/reach.ts'
import { defaultRole, permissionsOf } from '../permissions/roles.ts'
import { type Finding, type Found, isWatchedLong, type Looking } from './finding.ts'
import type { Holder, Holders } from './holders.ts'
import { type DaysOfUse, inParts, latest, readUses } from './read-uses.ts'

/** What a role allows beyond what everybody may. */
export const beyondDefault = ({ roleTable }: Pick<Looking, 'roleTable'>, role: string): readonly string[] => {
  const everybodys = permissionsOf(roleTable, [defaultRole])
  return [...permissionsOf(roleTable, [role])].filter(permission => !everybodys.has(permission)).sort()
}

const subjectOf = ({ kind, userId, name }: Holder) => ({ kind, id: userId, name })

const toUseFinding = (looking: Looking, holder: Holder, days: DaysOfUse): readonly Finding[] => {
  const { role, grantedAt } = holder
  const granted = beyondDefault(looking, role)
  const isUsed = (permission: string): boolean => (days.get(permission) ?? 0) >= looking.usedAfter
  const unused = granted.filter(permission => !isUsed(permission))
  const opened = [...granted, namedRole(role)]
  if (unused.length === 0 || !isWatchedLong(looking, grantedAt)) return []
  return [
    {
      kind: opened.some(isUsed) ? 'partly-used-role' : 'unused-role',
      subject: subjectOf(holder),
      role,
      granted,
      unused,
      since: grantedAt,
      lastUsedAt: latest(opened.map(permission => days.get(permission))),
    },
  ]
}

const findUnused = async (looking: Looking, holders: readonly Holder[]): Promise<readonly Finding[]> => {
  const uses = await readUses(
    looking.db,
    'user',
    holders.map(({ userId }) => userId),
  )
  return holders.flatMap(holder => toUseFinding(looking, holder, uses(holder.userId)))
}

const readWithFactor = async ({ db }: Looking, holders: readonly Holder[]): Promise<ReadonlySet<string>> => {
  const rows = await inParts(
    holders.map(({ userId }) => userId),
    ids =>
      db
        .selectFrom('totp_factors')
        .select('user_id')
        .where('user_id', 'in', ids)
        .union(db.selectFrom('passkeys').select('user_id').where('user_id', 'in', ids))
        .execute(),
  )
  return new Set(rows.map(({ user_id }) => user_id))
}

/** One for each person, by the first of the roles. */
const findWithoutFactor = async (
  looking: Looking,
  holders: readonly Holder[],
): Promise<readonly Finding[]> => {
  const administrators = holders.filter(
    ({ kind, role }) => kind === 'user' && looking.roleTable.administrative.has(role),
  )
  const proved = await readWithFactor(looking, administrators)
  const first = new Map(administrators.toReversed().map(holder => [holder.userId, holder]))
  return [...first.values()]
    .filter(({ userId }) => !proved.has(userId))
    .map(holder => ({
      kind: 'administrator-without-factor',
      subject: subjectOf(holder),
      granted: administrators.filter(({ userId }) => userId === holder.userId).map(({ role }) => role),
      since: holder.grantedAt,
    }))
}

const findDisabled = (holders: readonly Holder[]): readonly Finding[] =>
  [...Map.groupBy(holders, ({ userId }) => userId).values()].flatMap(held => {
    const [first] = held
    if (first === undefined) return []
    const since = latest(held.map(({ grantedAt }) => grantedAt))
    const granted = held.map(({ role }) => role).sort()
    return [{ kind: 'disabled-with-roles', subject: subjectOf(first), granted, since }]
  })

/** Which other roles each of them has, the one of everybody included: what a command leaves. */
const withOthers = async ({ db }: Looking, findings: readonly Finding[]): Promise<readonly Finding[]> => {
  const ids = [...new Set(findings.map(({ subject }) => subject.id))]
  const rows = await inParts(ids, part =>
    db.selectFrom('user_roles').select(['user_id', 'role']).where('user_id', 'in', part).execute(),
  )
  const byUser = Map.groupBy(rows, row => row.user_id)
  return findings.map(finding => {
    const taken = finding.role === undefined ? finding.granted : [finding.role]
    const roles = (byUser.get(finding.subject.id) ?? []).map(({ role }) => role)
    return { ...finding, others: roles.filter(role => !taken.includes(role)).sort() }
  })
}

/** What there is to say of those who hold a role that not everybody has. */
export const findHeldRoles = async (looking: Looking, { holders, isCut }: Holders): Promise<Found> => {
  const enabled = holders.filter(({ isDisabled }) => !isDisabled)
  const findings = [
    ...(await findWithoutFactor(looking, enabled)),
    ...(await withOthers(looking, [
      ...findDisabled(holders.filter(({ isDisabled }) => isDisabled)),
      ...(await findUnused(looking, enabled)),
    ])),
  ]
  const kinds = [
    'administrator-without-factor',
    'disabled-with-roles',
    'unused-role',
    'partly-used-role',
  ] as const
  return { findings, more: isCut ? kinds : [] }
}

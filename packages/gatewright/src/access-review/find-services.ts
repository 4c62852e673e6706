import { listServicesBehind, type Service } from '../users/services.ts'
import type { Finding, Found, Looking } from './finding.ts'
import { inParts, latest, readUses } from './read-uses.ts'

const mostServices = 2_000

type Key = {
  readonly user_id: string
  readonly made_by: string | null
  readonly last_used_at: number | null
  readonly ended_at: number | null
  readonly expires_at: number | null
}

const readKeys = ({ db }: Looking, services: readonly Service[]): Promise<readonly Key[]> =>
  inParts(
    services.map(({ id }) => id),
    ids =>
      db
        .selectFrom('api_keys')
        .select(['user_id', 'made_by', 'last_used_at', 'ended_at', 'expires_at'])
        .where('user_id', 'in', ids)
        .execute(),
  )

/** Who made keys of services, and is still there: with the last sign of life. */
const readMakers = async (looking: Looking, keys: readonly Key[]): Promise<ReadonlyMap<string, number>> => {
  const { db } = looking
  const ids = [...new Set(keys.flatMap(key => key.made_by ?? []))]
  const rows = await inParts(ids, part =>
    db
      .selectFrom('users')
      .leftJoin('sessions', 'sessions.user_id', 'users.id')
      .select(eb => ['users.id', 'users.created_at', eb.fn.max('sessions.last_used_at').as('seen')])
      .where('users.id', 'in', part)
      .where('users.disabled_at', 'is', null)
      .where('users.deleted_at', 'is', null)
      .groupBy(['users.id', 'users.created_at'])
      .execute(),
  )
  const uses = await readUses(db, 'user', ids)
  // Of whom nothing was noted yet, nobody knows: whoever is there counts as seen since uses are noted.
  return new Map(
    rows.map(row => [
      row.id,
      latest([
        looking.notedSince,
        row.created_at,
        row.seen === null ? null : Number(row.seen),
        ...uses(row.id).values(),
      ]) ?? 0,
    ]),
  )
}

const subjectOf = ({ id, name }: Service) => ({ kind: 'service', id, name }) as const

const findSilent = ({ usedAfter }: Looking, service: Service, keys: readonly Key[]): readonly Finding[] => {
  const lastUsedAt = latest(keys.map(key => key.last_used_at))
  return (lastUsedAt ?? service.createdAt) < usedAfter
    ? [
        {
          kind: 'silent-service',
          subject: subjectOf(service),
          granted: service.roles,
          since: service.createdAt,
          lastUsedAt,
        },
      ]
    : []
}

/** Keys made at the command line have nobody behind them, and say nothing. */
const findOwnerless = (
  { usedAfter, now }: Looking,
  service: Service,
  keys: readonly Key[],
  makers: ReadonlyMap<string, number>,
): readonly Finding[] => {
  const live = keys.filter(key => key.ended_at === null && (key.expires_at === null || key.expires_at > now))
  const made = live.flatMap(key => key.made_by ?? [])
  if (made.length === 0 || live.length > made.length) return []
  const seen = latest(made.map(id => makers.get(id)))
  return (seen ?? 0) < usedAfter
    ? [
        {
          kind: 'ownerless-service',
          subject: subjectOf(service),
          granted: service.roles,
          since: service.createdAt,
          lastUsedAt: seen,
        },
      ]
    : []
}

/** Services that nobody uses, and those whose keys were made by people of whom nothing is heard any more. */
export const findServices = async (looking: Looking): Promise<Found> => {
  const { rows, next } = await listServicesBehind(looking.db, { limit: mostServices })
  const enabled = rows.filter(({ disabledAt }) => disabledAt === null)
  const keys = await readKeys(looking, enabled)
  const makers = await readMakers(looking, keys)
  const byService = Map.groupBy(keys, key => key.user_id)
  const findings = enabled.flatMap(service => {
    const own = byService.get(service.id) ?? []
    return [...findSilent(looking, service, own), ...findOwnerless(looking, service, own, makers)]
  })
  return { findings, more: next === undefined ? [] : ['silent-service', 'ownerless-service'] }
}

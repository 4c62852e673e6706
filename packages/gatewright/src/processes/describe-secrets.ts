import { type Clock, toTimestamp } from '../ground/clock.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database } from '../storage/tables.ts'
import { type Dependents, type Lives, listDependents } from './dependents.ts'
import { type LiveProcess, readProcesses } from './live-process.ts'

/** A secret as the register and the database know it. */
export type SecretState = {
  readonly id: string
  /** Values are made with it. */
  readonly isInForce: boolean
  /** Processes of the register that hold it, of all that are there. */
  readonly heldBy: number
  readonly processes: number
  readonly dependents: readonly Dependents[]
}

type Dependencies = { readonly db: Database; readonly clock: Clock; readonly settings: Lives }

const idsOf = (
  own: readonly string[],
  inForce: readonly string[],
  processes: readonly LiveProcess[],
  dependents: readonly Dependents[],
): readonly string[] => [
  ...new Set([
    ...own,
    ...inForce,
    ...processes.flatMap(({ secretIds }) => secretIds),
    ...dependents.flatMap(({ secretId }) => secretId ?? []),
  ]),
]

/**
 * Every secret that somebody holds or something rests on: those given first, in their order.
 * @param besides a process that is not counted
 */
export const listSecrets = async (
  { db, clock, settings }: Dependencies,
  own: readonly string[],
  besides?: string,
): Promise<readonly SecretState[]> => {
  const installations = await db.selectFrom('installation').select('secret_id').execute()
  const inForce = installations.map(row => row.secret_id)
  const processes = (await readProcesses(db)).filter(({ id }) => id !== besides)
  const dependents = await listDependents(db, { now: clock.now(), settings })
  return idsOf(own, inForce, processes, dependents).map(id => ({
    id,
    isInForce: inForce.includes(id),
    heldBy: processes.filter(({ secretIds }) => secretIds.includes(id)).length,
    processes: processes.length,
    dependents: dependents.filter(({ secretId }) => secretId === id),
  }))
}

/** `3 sessions until 2026-…, 1 signing_keys`; `nothing`. */
export const toRests = (dependents: readonly Dependents[]): string => {
  const parts = dependents.map(
    ({ what, count, until }) =>
      `${count} ${what}${until === undefined ? '' : ` (the last until ${toTimestamp(until)})`}`,
  )
  return parts.join(', ') || 'nothing'
}

/** What a start says of its secrets, where it was given more than one. */
export const describeSecrets = async (
  dependencies: Dependencies & { readonly secrets: Secrets },
): Promise<readonly string[]> => {
  const { ids } = dependencies.secrets
  if (ids.length < 2) return []
  const states = await listSecrets(dependencies, ids)
  return states
    .filter(({ id, isInForce }) => isInForce || id === ids.at(-1))
    .map(({ id, isInForce, dependents }) =>
      isInForce
        ? `Secret in force: ${id}`
        : `Oldest secret of GATEWRIGHT_SECRET: ${id}; on it rests: ${toRests(dependents)}`,
    )
}

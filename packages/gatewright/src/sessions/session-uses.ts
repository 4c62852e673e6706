import type { Clock } from '../ground/clock.ts'
import type { RoleTable } from '../permissions/roles.ts'
import type { Database } from '../storage/tables.ts'
import { administratorTimes, noteEvery, type SessionTimes } from './session-times.ts'
import { createUses, type Uses } from './uses.ts'
import { writeUses } from './write-uses.ts'

/** When sessions were last used that hold tokens. */
export type SessionUses = Uses

type Dependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly settings: SessionTimes
  readonly roleTable: RoleTable
}

/** By the shortest time that a session may go unused. */
export const createSessionUses = (dependencies: Dependencies, most?: number): SessionUses => {
  const { clock, settings } = dependencies
  return createUses(
    {
      clock,
      every: noteEvery(administratorTimes(settings)),
      writeUses: (uses, lastBefore) => writeUses(dependencies, uses, lastBefore),
    },
    most,
  )
}

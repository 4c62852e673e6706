import { createHousekeeping, type Housekeeping } from '../../packages/gatewright/src/upkeep/housekeeping.ts'
import type { TestApp } from '../harness.ts'

/** The housekeeping of one process more on the database of the app. */
export const newHousekeeping = ({ engine }: Pick<TestApp, 'engine'>): Housekeeping =>
  createHousekeeping(engine)

/** One look of a process of its own, which must do all that is due. */
export const keepHouse = async (t: Pick<TestApp, 'engine'>): Promise<void> => {
  if (!(await newHousekeeping(t).look())) throw new Error('nothing was due, or another process was at it')
}

import { availableParallelism } from 'node:os'
import type { Settings } from './settings.ts'

/** How many processes serve on this machine; `auto` keeps to the cores that this one may use, by its cgroup too. */
export const countWorkers = ({ workers }: Pick<Settings, 'workers'>): number =>
  workers === 'auto' ? availableParallelism() : workers

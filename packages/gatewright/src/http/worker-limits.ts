import { minute, second } from '../ground/clock.ts'
import type { Supervision } from '../workers/supervise.ts'
import { longestRest } from './longest-rest.ts'

/**
 * So long the clients of a worker that retires may take to use or leave their connections: they were told that
 * one may rest for `longestRest`, so none is closed under a request that is on the way.
 */
export const longestRetirement = longestRest + 8 * second

/** A worker that takes longer than this stands still, and is killed. */
export const workerLimits: Supervision['limits'] = {
  /** It migrates, which takes long where there is much in the database. */
  firstStart: 10 * minute,
  start: 2 * minute,
  /** After the last connection it promises to be done in 9 s. */
  retirement: longestRetirement + 10 * second,
}

import { second } from '../ground/clock.ts'

const longestPause = 30 * second

/** How long to wait before a worker is started whose forerunners died so many times in a row soon after their start. */
export const pauseAfter = (failures: number): number =>
  failures === 0 ? 0 : Math.min(longestPause, second * 2 ** (failures - 1))

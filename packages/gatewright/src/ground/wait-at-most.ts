import { setTimeout as delay } from 'node:timers/promises'

/** Resolves with `work`, or without it after so many milliseconds, for which alone no process stays alive. */
export const waitAtMost = async (milliseconds: number, work: Promise<unknown> | undefined): Promise<void> => {
  await Promise.race([work, delay(milliseconds, undefined, { ref: false })])
}

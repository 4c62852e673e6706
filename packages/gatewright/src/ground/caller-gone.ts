import { Refusal } from './refusal.ts'

/** Whether the caller has closed the connection meanwhile, so that nobody gets an answer. */
export type IsGone = () => boolean

/**
 * A request that waited, or a process that stood still, may be given up by the time its turn comes. Its caller has
 * asked again since, maybe elsewhere and for something else: an old refresh token would be taken for a thief's, and a
 * role that was given would come back after it was taken. Nobody gets an answer, so nobody loses by it.
 * @throws Refusal `unavailable`
 */
export const refuseGone = (isGone: IsGone | undefined): void => {
  if (isGone?.()) throw new Refusal('unavailable', { reason: 'caller_gone', retryAfter: 1 })
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Engine } from '../compose.ts'
import { Refusal } from '../ground/refusal.ts'
import { takeFurther, writeRateLimits } from './answer-refusal.ts'

const isWrong = (error: unknown): boolean => error instanceof Refusal && error.code === 'invalid_credentials'

/**
 * Counts a sign-in as failed for its address before the password is checked, and takes that back where it was
 * not wrong. What is refused without being checked counts as well, so that nobody is told so by the count. A
 * known device of the user takes nothing: it is counted by itself.
 * @throws Refusal `rate_limited`, and what `signIn` throws
 */
export const countedAsFailed = async <T>(
  engine: Engine,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  signIn: () => Promise<T>,
): Promise<T> => {
  const { passage } = request
  if (passage === undefined) throw new TypeError('a handler runs behind the gate')
  if (passage.knownDevice !== undefined) return signIn()
  const keys = { address: passage.address }
  const { reports } = passage
  await takeFurther(engine, { passage, reply }, keys, 'failed-sign-in')
  const takeBack = async (): Promise<void> => {
    await engine.limiter.giveBack('failed-sign-in', keys)
    passage.reports = reports
    writeRateLimits(reply, passage)
  }
  try {
    const result = await signIn()
    await takeBack()
    return result
  } catch (error) {
    if (!isWrong(error)) await takeBack()
    throw error
  }
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Engine } from '../compose.ts'
import { addressGroup } from '../ground/address.ts'
import { Refusal } from '../ground/refusal.ts'
import { takeFurther, writeRateLimits } from './answer-refusal.ts'

const isOverLimit = (error: unknown): boolean => error instanceof Refusal && error.code === 'rate_limited'

/** The first of those from there that are not judged yet. */
const findOther = ({ signInsUnderWay }: Engine, group: string): Promise<unknown> | undefined =>
  signInsUnderWay.get(group)?.values().next().value

const noteUnderWay = <T>({ signInsUnderWay: groups }: Engine, group: string, job: Promise<T>): Promise<T> => {
  const jobs = groups.get(group) ?? new Set()
  groups.set(group, jobs)
  const over = job.then(
    () => {},
    () => {},
  )
  jobs.add(over)
  void over.then(() => {
    jobs.delete(over)
    if (jobs.size === 0) groups.delete(group)
  })
  return job
}

/**
 * Takes, and waits while others from there are not judged yet: a whole class signs in at the same moment, and each
 * that turns out right gives its place to the next.
 */
const takeOnceJudged = async (
  find: () => Promise<unknown> | undefined,
  take: () => Promise<void>,
): Promise<void> => {
  for (;;) {
    try {
      return await take()
    } catch (error) {
      const other = find()
      if (!isOverLimit(error) || other === undefined) throw error
      await other
    }
  }
}

/**
 * Counts a sign-in as failed for its address before the password is checked, and takes that back unless the
 * verdict was no: what fails once it was (the audit event can't be written, say) makes no guess free. What is
 * throttled counts as well, so that nobody is told so by the count. A known device of the user takes nothing: it
 * is counted by itself.
 * @param signIn calls `onWrong` at the verdict
 * @throws Refusal `rate_limited`, and what `signIn` throws
 */
export const countedAsFailed = async <T>(
  engine: Engine,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  signIn: (onWrong?: () => void) => Promise<T>,
): Promise<T> => {
  const { passage } = request
  if (passage === undefined) throw new TypeError('a handler runs behind the gate')
  if (passage.knownDevice !== undefined) return signIn()
  const keys = { address: passage.address }
  const { reports } = passage
  const group = addressGroup(passage.address)
  await takeOnceJudged(
    () => findOther(engine, group),
    () => {
      passage.reports = reports
      return takeFurther(engine, { passage, reply }, keys, 'failed-sign-in')
    },
  )
  const takeBack = async (): Promise<void> => {
    await engine.limiter.giveBack('failed-sign-in', keys)
    passage.reports = reports
    writeRateLimits(reply, passage)
  }
  const judge = async (): Promise<T> => {
    let isWrong = false
    try {
      return await signIn(() => {
        isWrong = true
      })
    } finally {
      if (!isWrong) await takeBack()
    }
  }
  return noteUnderWay(engine, group, judge())
}

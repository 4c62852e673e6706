import { ageOf, type Clock, momentOf, sleep } from './clock.ts'
import { getJson, UnreachableError } from './get-json.ts'
import type { Issuer } from './issuer.ts'
import { jitter, newNonce } from './random.ts'
import { FeedError, longestStatement, readStatement, type Statement } from './statement.ts'
import type { View } from './view.ts'

/** Asks the issuer's feed again and again, until it is stopped. */
export type Following = {
  /** What waits at the issuer since before the view grew old is asked anew. */
  readonly hurry: () => void
  /** Calls `hear` with each statement that was taken, until what it gives back is called. */
  readonly listen: (hear: () => void) => () => void
}

type Dependencies = {
  readonly issuer: string
  readonly published: Issuer
  readonly view: View
  readonly clock: Clock
  /** The bound, in milliseconds. */
  readonly maxAge: number
  readonly signal: AbortSignal
  readonly onFault: (error: Error) => void
}

/** While much is taken back, between two questions. */
const leastDistance = 20
/** Where the issuer has no room to let us wait. */
const pause = 250
const longestPause = 2_000
const firstPause = 50

/** Said of the moment, by the issuer or whoever stands before it: a place stays good through all of these. */
const passing: readonly (number | undefined)[] = [undefined, 429, 502, 503, 504]

/** Twice this must be less than the bound: what is told by one answer counts until the next one is there. */
const waitFor = (maxAge: number): number => Math.min(Math.round(maxAge * 0.3), 15_000)

export const follow = (dependencies: Dependencies): Following => {
  const { issuer, published, view, clock, maxAge, signal, onFault } = dependencies
  const longestWait = waitFor(maxAge)
  const longest = longestWait + Math.max(1_000, maxAge * 0.2)
  let failures = 0
  let asking = new AbortController()
  /** It waits at the issuer; what does not is answered soon by itself. */
  let waits = false
  const listeners = new Set<() => void>()

  /** The door is closed by then, and without the whole list it would stay so. */
  const letGo = ({ status }: UnreachableError): void => {
    if (!passing.includes(status) && view.age() > maxAge) view.close()
  }

  const ask = async (wait: number, nonce: string): Promise<unknown> => {
    asking = new AbortController()
    const url = new URL(await published.getFeed())
    url.searchParams.set('nonce', nonce)
    if (view.place() !== '') url.searchParams.set('after', view.place())
    url.searchParams.set('wait_ms', String(wait))
    const either = AbortSignal.any([signal, asking.signal])
    waits = wait > 0
    try {
      return await getJson(url, { most: longestStatement + 1_024, longest, signal: either })
    } catch (error) {
      letGo(error as UnreachableError)
      throw error
    } finally {
      waits = false
    }
  }

  /** Whoever can't wait at the issuer, or is told what does not help, asks no sooner for it. */
  const pauseAfter = ({ isLast, entries }: Statement, wait: number, elapsed: number): number => {
    if (!isLast) return 0
    if (view.age() > maxAge || (wait > 0 && entries.length === 0 && elapsed < wait / 2)) return jitter(pause)
    return entries.length > 0 ? Math.max(0, leastDistance - elapsed) : 0
  }

  /** @returns how long to pause before the next question */
  const askOnce = async (): Promise<number> => {
    const wait = failures > 0 || view.age() > maxAge ? 0 : longestWait
    const nonce = newNonce()
    const sent = momentOf(clock)
    const answer = await ask(wait, nonce)
    const findKey = (kid: string) => published.findAnew(kid, 'statement')
    const statement = await readStatement(answer, { issuer, nonce, findKey })
    const startsOver = statement.after === '' && view.place() !== ''
    view.take(statement, sent)
    if (statement.entries.some(([kind]) => kind === 'signing-key')) published.hearOfRevocation()
    if (statement.isLast) failures = 0
    for (const hear of listeners) hear()
    return startsOver ? jitter(pause) : pauseAfter(statement, wait, ageOf(clock, sent))
  }

  /** What can't be told apart from a forgery closes the door; what can't be reached is only not asked. */
  const onFailure = (error: unknown): number => {
    if (signal.aborted || asking.signal.aborted) return 0
    if (error instanceof FeedError || !(error instanceof UnreachableError)) view.close()
    const fault = error instanceof Error ? error : new Error(String(error))
    // What it throws is its own: here the asking goes on.
    queueMicrotask(() => onFault(fault))
    failures += 1
    const told = error instanceof UnreachableError ? error.retryAfter : 0
    return jitter(Math.min(longestPause, Math.max(told, firstPause * 2 ** Math.min(failures, 6))))
  }

  const run = async (): Promise<void> => {
    while (!signal.aborted) await sleep(await askOnce().catch(onFailure), signal)
  }
  void run()

  return {
    hurry: () => {
      if (waits) asking.abort()
    },
    listen: hear => {
      listeners.add(hear)
      return () => void listeners.delete(hear)
    },
  }
}

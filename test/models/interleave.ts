import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from 'gatewright/compose'
import type { KyselyPlugin } from 'kysely'
import type { Seeded } from '../sessions/seeded.ts'

/** One of two that run at once, with the place where it is stopped. */
export type Runner<T> = { readonly run: (engine: Engine) => Promise<T>; readonly engine: Engine }

type Stop = { readonly engine: Engine; readonly reached: Promise<void>; readonly go: () => void }

/** The engine, which stands still after so many answers of its database and checks of a password. */
export const stopAt = (engine: Engine, place: number): Stop => {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  let steps = 0
  const step = async (): Promise<void> => {
    steps += 1
    if (steps !== place) return
    reached.resolve()
    await opened.promise
  }
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      await step()
      return result
    },
  }
  const verify: Engine['hasher']['verify'] = async (...shown) => {
    const isRight = await engine.hasher.verify(...shown)
    await step()
    return isRight
  }
  return {
    engine: { ...engine, db: engine.db.withPlugin(plugin), hasher: { ...engine.hasher, verify } },
    reached: reached.promise,
    go: opened.resolve,
  }
}

/** Where a call is stopped at most: the longest takes about so many steps. */
const usualPlaces = 24
/** How long the other has, in milliseconds, where it may wait for a lock that the stopped one holds. */
const lead = 3

/**
 * Runs both at once. One of them, drawn at random, stands still at a random place until the other is done, or
 * has been given its time; once in a while none does.
 */
export const interleave = async <A, B>(
  random: Seeded,
  first: Runner<A>,
  second: Runner<B>,
  places = usualPlaces,
): Promise<readonly [A, B]> => {
  const place = random.oneIn(8) ? 0 : 1 + random.below(random.pick([4, places]))
  const isSwapped = random.oneIn(2)
  const [early, late] = isSwapped ? [second, first] : [first, second]
  const stop = stopAt(early.engine, place)
  const running: Promise<unknown> = early.run(stop.engine)
  if (place > 0) await Promise.race([stop.reached, running])
  const other: Promise<unknown> = late.run(late.engine)
  if (place > 0) await Promise.race([other, running, delay(lead)])
  stop.go()
  const [a, b] = await Promise.all([running, other])
  return (isSwapped ? [b, a] : [a, b]) as [A, B]
}

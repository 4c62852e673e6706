import { type CompiledQuery, QueryCreator } from 'kysely'
import type { TestApp } from '../harness.ts'
import { until } from '../process/until.ts'

export type HeldSearches = {
  /** Resolves when so many searches have come to the queue since the beginning. */
  readonly untilAsked: (count: number) => Promise<number>
  /** Lets all searches go on, from now on. */
  readonly letGo: () => void
}

const isSearch = ({ sql }: CompiledQuery): boolean => sql.includes('"places"')

/** Searches that run wait here, before they have a connection: everything else goes on. */
export const holdSearches = ({ engine }: TestApp): HeldSearches => {
  const { db, limiter } = engine
  const held = Promise.withResolvers<void>()
  let asked = 0
  const bound = (target: object, name: string | symbol): unknown => {
    const value = Reflect.get(target, name)
    return typeof value === 'function' ? value.bind(target) : value
  }
  const executor = new Proxy(db.getExecutor(), {
    get: (target, name) =>
      name === 'executeQuery'
        ? async (query: CompiledQuery) => {
            if (isSearch(query)) await held.promise
            return target.executeQuery(query)
          }
        : bound(target, name),
  })
  const creator = new QueryCreator({ executor })
  const heldDb: typeof db = new Proxy(db, {
    get: (target, name) =>
      name === 'withTables' ? () => heldDb : bound(name === 'selectFrom' ? creator : target, name),
  })
  Object.assign(engine, {
    db: heldDb,
    limiter: {
      ...limiter,
      // A search takes from its limit, and stands in the queue before anything else has its turn.
      take: (...args: Parameters<typeof limiter.take>) => {
        if (args[0] === 'search') asked += 1
        return limiter.take(...args)
      },
    },
  })
  return {
    untilAsked: count => until(`${count} searches were asked`, () => asked >= count),
    letGo: held.resolve,
  }
}

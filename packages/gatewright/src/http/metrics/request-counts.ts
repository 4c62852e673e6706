import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Upper bounds of the durations that are told apart, in milliseconds. */
export const durationBounds: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 1_000, 5_000]

/** How long answers of one class took. */
export type Durations = {
  /** How many took longer than the bound before and not longer than this one; the last one: than all. */
  readonly places: number[]
  /** All together, in milliseconds. */
  total: number
}

/** What was counted of one method of one route since the process began. */
export type RouteCount = {
  readonly method: string
  /** The pattern; empty for paths that are no route. */
  readonly route: string
  /** How many by status. */
  readonly statuses: Map<number, number>
  /** By the first digit of the status. */
  readonly durations: (Durations | undefined)[]
}

const newCount = (method: string, route: string): RouteCount => ({
  method,
  route,
  statuses: new Map(),
  durations: [],
})

const newDurations = (): Durations => ({
  places: Array.from({ length: durationBounds.length + 1 }, () => 0),
  total: 0,
})

const placeOf = (duration: number): number => {
  let place = 0
  while (duration > (durationBounds[place] ?? Number.POSITIVE_INFINITY)) place++
  return place
}

/** A few additions; only for the first of a class something is made. */
const add = (count: RouteCount, { statusCode, elapsedTime }: FastifyReply): void => {
  count.statuses.set(statusCode, (count.statuses.get(statusCode) ?? 0) + 1)
  const statusClass = Math.floor(statusCode / 100)
  const durations = count.durations[statusClass] ?? newDurations()
  count.durations[statusClass] = durations
  const place = placeOf(elapsedTime)
  durations.places[place] = (durations.places[place] ?? 0) + 1
  durations.total += elapsedTime
}

/**
 * Counts every answer by method, pattern of the route and status, from here on. A caller can add no line:
 * whatever path or method is made up counts as one.
 */
export const countRequests = (app: FastifyInstance): readonly RouteCount[] => {
  const unknown = newCount('', '')
  const counts = [unknown]
  app.addHook('onRoute', route => {
    const methods = [route.method].flat()
    const byMethod = new Map(methods.map(method => [method, newCount(method, route.url)]))
    counts.push(...byMethod.values())
    const own = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const count = byMethod.get(request.method)
      // The HEAD that Fastify adds to a GET has the hooks of both.
      if (count !== undefined) add(count, reply)
      done()
    }
    route.onResponse = [own, ...[route.onResponse ?? []].flat()]
  })
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) add(unknown, reply)
    done()
  })
  return counts
}

/** How many answers of each status, of all routes. */
export const toStatuses = (counts: readonly RouteCount[]): ReadonlyMap<number, number> => {
  const all = new Map<number, number>()
  for (const { statuses } of counts)
    for (const [status, count] of statuses) all.set(status, (all.get(status) ?? 0) + count)
  return all
}

import type { Metric, Registry } from 'prom-client'
import { second } from '../../ground/clock.ts'
import { durationBounds, type RouteCount } from './request-counts.ts'

export type Figure = {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** A metric as the registry gives it. */
export type Figures = {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** `first`: every process knows the same, so one is enough. */
  readonly aggregator?: string
  readonly values: readonly Figure[]
}

type Told = Omit<Figures, 'values'> & {
  readonly list: () => readonly Figure[] | Promise<readonly Figure[]>
}

/**
 * Registers what is counted elsewhere. The objects of prom-client would look their labels up at every
 * request; of a metric its registry asks only for this.
 */
export const tell = (registry: Registry, { list, ...metric }: Told): void => {
  const get = async () => ({ ...metric, values: await list() })
  registry.registerMetric({ name: metric.name, get } as unknown as Metric)
}

const isUsed = ({ statuses }: RouteCount): boolean => statuses.size > 0
const labelsOf = ({ method, route }: RouteCount) => ({ method, route })

const duration = 'http_request_duration_seconds'

const toHistogram = (count: RouteCount): readonly Figure[] => {
  const labels = labelsOf(count)
  let sum = 0
  const buckets = count.durations.map((number, place): Figure => {
    sum += number
    const bound = durationBounds[place]
    const le = bound === undefined ? '+Inf' : bound / second
    return { metricName: `${duration}_bucket`, labels: { ...labels, le }, value: sum }
  })
  return [
    ...buckets,
    { metricName: `${duration}_sum`, labels, value: count.total / second },
    { metricName: `${duration}_count`, labels, value: sum },
  ]
}

/** Answers and their durations, by method and pattern of the route. */
export const tellRequests = (registry: Registry, counts: readonly RouteCount[]): void => {
  tell(registry, {
    name: 'http_requests_total',
    help: 'Answers by method, pattern of the route and status; both empty for what is no route.',
    type: 'counter',
    list: () =>
      counts.flatMap(count =>
        [...count.statuses].map(([status, value]) => ({ labels: { ...labelsOf(count), status }, value })),
      ),
  })
  tell(registry, {
    name: duration,
    help: 'How long answers took, by method and pattern of the route.',
    type: 'histogram',
    list: () => counts.filter(isUsed).flatMap(toHistogram),
  })
}

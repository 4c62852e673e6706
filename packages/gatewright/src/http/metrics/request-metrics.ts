import { second } from '../../ground/clock.ts'
import type { Figure, MetricRow } from './metric.ts'
import { type Durations, durationBounds, type RouteCount } from './request-counts.ts'

const labelsOf = ({ method, route }: RouteCount) => ({ method, route })

const duration = 'http_request_duration_seconds'

const toHistogram = (labels: Figure['labels'], { places, total }: Durations): readonly Figure[] => {
  let sum = 0
  const buckets = places.map((number, place): Figure => {
    sum += number
    const bound = durationBounds[place]
    const le = bound === undefined ? '+Inf' : bound / second
    return { metricName: `${duration}_bucket`, labels: { ...labels, le }, value: sum }
  })
  return [
    ...buckets,
    { metricName: `${duration}_sum`, labels, value: total / second },
    { metricName: `${duration}_count`, labels, value: sum },
  ]
}

const toHistograms = (count: RouteCount): readonly Figure[] =>
  count.durations.flatMap((durations, statusClass) =>
    durations === undefined
      ? []
      : toHistogram({ ...labelsOf(count), status_class: `${statusClass}xx` }, durations),
  )

/** Answers and their durations, by method and pattern of the route. */
export const requestMetrics: readonly MetricRow[] = [
  {
    name: 'http_requests_total',
    help: 'Answers by method, pattern of the route and status; both empty for what is no route.',
    type: 'counter',
    labels: ['method', 'route', 'status'],
    list: ({ counts }) =>
      counts.flatMap(count =>
        [...count.statuses].map(([status, value]) => ({ labels: { ...labelsOf(count), status }, value })),
      ),
  },
  {
    name: duration,
    help: 'How long answers took, by method, pattern of the route and first digit of the status.',
    type: 'histogram',
    labels: ['method', 'route', 'status_class'],
    list: ({ counts }) => counts.flatMap(toHistograms),
  },
]

import type { Metric, Registry } from 'prom-client'
import { readQueues } from '../../administration/queues.ts'
import type { Engine } from '../../compose.ts'
import { hour, second } from '../../ground/clock.ts'
import { readHousekeeping } from '../../upkeep/housekeeping-state.ts'
import type { ParentLink } from '../../workers/parent-link.ts'
import { mergeMetrics } from './merge-metrics.ts'
import { type Figure, type Sources, tell } from './metric.ts'
import { metricTable } from './metric-table.ts'
import type { RouteCount } from './request-counts.ts'

/** The text of `/metrics` (Prometheus, version 0.0.4), as it is at this moment. */
export type ReadMetrics = () => Promise<string>

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** Of a time in which it measured no delay of its event loop Node.js tells 292 years, and what is no number. */
const delays = ['min', 'mean', 'stddev'].map(each => `nodejs_eventloop_lag_${each}_seconds`)
const isMeasured = ({ value }: Pick<Figure, 'value'>): boolean => value < hour / second

const leaveOutUnmeasured = (registry: Registry, name: string): void => {
  const gauge = registry.getSingleMetric(name)
  if (gauge === undefined) return
  const get = async () => {
    const figures = await gauge.get()
    return { ...figures, values: figures.values.filter(isMeasured) }
  }
  registry.removeSingleMetric(name)
  registry.registerMetric({ name, get } as unknown as Metric)
}

/** Gauges that prom-client names as if they were counters; the same without that stand beside them. */
const misnamed = ['handles', 'requests', 'resources'].map(each => `nodejs_active_${each}_total`)

/** Read once for all that ask in one go; undefined while the database does not answer. */
const readOnce = <T>(read: () => Promise<T>): (() => Promise<T | undefined>) => {
  let reading: Promise<T | undefined> | undefined
  return () => {
    reading ??= read()
      .catch(() => undefined)
      .finally(() => {
        reading = undefined
      })
    return reading
  }
}

const openSources = (engine: Engine, counts: readonly RouteCount[]): Sources => ({
  engine,
  counts,
  readHousekeeping: readOnce(() => readHousekeeping(engine.db, engine.clock.now())),
  readQueues: readOnce(() => readQueues(engine)),
})

/** prom-client is loaded, and watches the process, from the first question on: most servers are never asked. */
const open = async (engine: Engine, counts: readonly RouteCount[]) => {
  const { Registry, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of delays) leaveOutUnmeasured(registry, name)
  for (const name of misnamed) registry.removeSingleMetric(name)
  const sources = openSources(engine, counts)
  for (const { name, help, type, isShared, list } of metricTable)
    tell(registry, {
      name,
      help,
      type,
      ...(isShared && { aggregator: 'first' }),
      list: () => list(sources),
    })
  return registry
}

/** What all workers measured, each by its number. */
const readAll = async ({ askAll }: ParentLink): Promise<string> => {
  const { Registry } = await import('prom-client')
  const registry = new Registry()
  for (const { values, ...metric } of mergeMetrics(await askAll()))
    tell(registry, { ...metric, list: () => values })
  return registry.metrics()
}

/** One text at a time, for all who ask meanwhile: nobody makes work by asking often. */
export const createMetrics = (
  engine: Engine,
  counts: readonly RouteCount[],
  parent?: ParentLink,
): ReadMetrics => {
  let registry: ReturnType<typeof open> | undefined
  let reading: Promise<string> | undefined
  const openOnce = () => {
    registry ??= open(engine, counts)
    return registry
  }
  parent?.measureWith(async () => (await openOnce()).getMetricsAsJSON())
  const read = async (): Promise<string> =>
    parent === undefined ? (await openOnce()).metrics() : readAll(parent)
  return () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}

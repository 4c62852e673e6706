import type { Engine } from '../../compose.ts'
import type { ParentLink } from '../../workers/parent-link.ts'
import { mergeMetrics } from './merge-metrics.ts'
import type { RouteCount } from './request-counts.ts'
import { tell, tellRequests } from './request-metrics.ts'
import { tellUpkeep } from './upkeep-metrics.ts'

/** The text of `/metrics` (Prometheus, version 0.0.4), as it is at this moment. */
export type ReadMetrics = () => Promise<string>

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** prom-client is loaded, and watches the process, from the first question on: most servers are never asked. */
const open = async (engine: Engine, counts: readonly RouteCount[]) => {
  const { Registry, collectDefaultMetrics } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  tellRequests(registry, counts)
  tellUpkeep(registry, engine)
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

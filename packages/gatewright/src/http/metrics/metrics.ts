import type { Engine } from '../../compose.ts'
import type { RouteCount } from './request-counts.ts'
import { tellRequests } from './request-metrics.ts'
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

/** One text at a time, for all who ask meanwhile: nobody makes work by asking often. */
export const createMetrics = (engine: Engine, counts: readonly RouteCount[]): ReadMetrics => {
  let registry: ReturnType<typeof open> | undefined
  let reading: Promise<string> | undefined
  const read = async (): Promise<string> => {
    registry ??= open(engine, counts)
    return (await registry).metrics()
  }
  return () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}

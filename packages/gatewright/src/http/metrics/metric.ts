import type { Metric, Registry } from 'prom-client'
import type { Queues } from '../../administration/queues.ts'
import type { Engine } from '../../compose.ts'
import type { HousekeepingState } from '../../upkeep/housekeeping-state.ts'
import type { RouteCount } from './request-counts.ts'

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

/** Where figures come from. What only the database knows is undefined while it does not answer. */
export type Sources = {
  readonly engine: Engine
  readonly counts: readonly RouteCount[]
  readonly readHousekeeping: () => Promise<HousekeepingState | undefined>
  readonly readQueues: () => Promise<Queues | undefined>
}

type Listed = readonly Figure[]

/** A row of the table of all metrics. */
export type MetricRow = Pick<Figures, 'name' | 'help' | 'type'> & {
  /** By what its lines are told apart. Never anything that a caller or an application makes up. */
  readonly labels: readonly string[]
  /** Told by one process for all: it is in the database. */
  readonly isShared?: true
  readonly list: (sources: Sources) => Listed | Promise<Listed>
}

/** One line without labels; none where there is no such number. */
export const single = (value: number | undefined | null): Listed =>
  value == null || !Number.isFinite(value) ? [] : [{ labels: {}, value }]

/** A line for each, by one label. */
export const byLabel = (
  label: string,
  values: Iterable<readonly [name: string, value: number | undefined | null]>,
): Listed =>
  [...values].flatMap(([name, value]) => (value == null ? [] : [{ labels: { [label]: name }, value }]))

type Told = Omit<Figures, 'values'> & { readonly list: () => Listed | Promise<Listed> }

/**
 * Registers what is counted elsewhere. The objects of prom-client would look their labels up at every
 * request; of a metric its registry asks only for this.
 */
export const tell = (registry: Registry, { list, ...metric }: Told): void => {
  const get = async () => ({ ...metric, values: await list() })
  registry.registerMetric({ name: metric.name, get } as unknown as Metric)
}

import { engineMetrics } from './engine-metrics.ts'
import { eventMetrics } from './event-metrics.ts'
import type { MetricRow } from './metric.ts'
import { requestMetrics } from './request-metrics.ts'
import { upkeepMetrics } from './upkeep-metrics.ts'

/** Every metric but those of the process and of Node.js, which prom-client measures. */
export const metricTable: readonly MetricRow[] = [
  ...requestMetrics,
  ...eventMetrics,
  ...engineMetrics,
  ...upkeepMetrics,
]

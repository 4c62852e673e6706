import type { Told } from '../../workers/messages.ts'
import type { Figure, Figures } from './metric.ts'

/** Of what is in the database, or in all processes of all times, each worker tells the same. */
const isShared = ({ aggregator }: Figures): boolean => aggregator === 'first'

/**
 * What all workers measured as one list, each value with the number of its worker: counts that begin anew with
 * a new process are then counted on by whoever reads them, which a sum would not be.
 */
export const mergeMetrics = (all: readonly Told[]): readonly Figures[] => {
  const merged = new Map<string, Figures>()
  for (const { worker, figures } of all)
    for (const each of (figures ?? []) as readonly Figures[]) {
      const former = merged.get(each.name)
      const add = (value: Figure): Figure => ({ ...value, labels: { ...value.labels, worker } })
      if (isShared(each)) merged.set(each.name, former ?? each)
      else merged.set(each.name, { ...each, values: [...(former?.values ?? []), ...each.values.map(add)] })
    }
  return [...merged.values()]
}

import type { LimitReport } from './limit-report.ts'
import type { Limiter } from './limiter.ts'

/** How often a limit refused since the process began. */
export type LimitHits = { limited: number; storeAway: number }

/** The same limiter, and what each limit of it refused. What is allowed costs a comparison. */
export const countLimitHits = (
  limiter: Limiter,
): Limiter & { readonly hits: () => ReadonlyMap<string, Readonly<LimitHits>> } => {
  const hits = new Map<string, LimitHits>()
  const note = (name: string, report: LimitReport): LimitReport => {
    if (report.allowed) return report
    const known = hits.get(name) ?? { limited: 0, storeAway: 0 }
    known[report.isStoreAway ? 'storeAway' : 'limited'] += 1
    hits.set(name, known)
    return report
  }
  return {
    ...limiter,
    take: (name, keys) => {
      const report = limiter.take(name, keys)
      return report instanceof Promise ? report.then(done => note(name, done)) : note(name, report)
    },
    hits: () => hits,
  }
}

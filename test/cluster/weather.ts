import type { FaultName } from './faults.ts'

/** One fault: from when, and until when, it was in effect; Infinity while it is. Times of `performance.now()`. */
type Span = { readonly fault: FaultName; readonly from: number; to: number }

/** What goes wrong, and when: so that an answer is judged by the faults of its own time. */
export type Weather = {
  /** The fault is in effect until what is returned is called. */
  readonly begin: (fault: FaultName) => () => void
  /** Faults that were in effect at some time since then, or were over for a moment only. */
  readonly since: (from: number) => readonly FaultName[]
  readonly now: () => readonly FaultName[]
}

/**
 * @param aftermath so long a fault may show after it is over: connections that it broke are used, pauses before
 *   the next try end
 */
export const createWeather = (aftermath: number): Weather => {
  const spans: Span[] = []
  const since = (from: number): readonly FaultName[] => [
    ...new Set(spans.filter(({ to }) => to + aftermath >= from).map(({ fault }) => fault)),
  ]
  return {
    begin: fault => {
      const span: Span = { fault, from: performance.now(), to: Number.POSITIVE_INFINITY }
      spans.push(span)
      return () => {
        span.to = performance.now()
      }
    },
    since,
    now: () => spans.filter(({ to }) => to === Number.POSITIVE_INFINITY).map(({ fault }) => fault),
  }
}

import type { Point } from '../api/installation-answers.ts'
import type { TextName } from '../texts/en.ts'

/** What of a step of time is shown, and whether more of it is worse. */
type Kind = { readonly title: TextName; readonly isBad?: true; readonly count: (point: Point) => number }

export const failedOf = ({ failed_sign_ins: wrong, second_factors_failed: second }: Point): number =>
  wrong + second
export const refusedOf = ({ refused, limited, errors }: Point): number => refused + limited + errors

export const kinds: readonly Kind[] = [
  { title: 'seriesRequests', count: ({ requests }) => requests },
  { title: 'seriesRefused', isBad: true, count: ({ refused }) => refused },
  { title: 'seriesLimited', isBad: true, count: ({ limited }) => limited },
  { title: 'seriesErrors', isBad: true, count: ({ errors }) => errors },
  { title: 'seriesSignIns', count: point => point.sign_ins },
  { title: 'seriesFailed', isBad: true, count: failedOf },
  { title: 'seriesEnded', count: point => point.ended_sessions },
  { title: 'seriesUnusual', isBad: true, count: ({ unusual }) => unusual },
]

export const sumOf = (series: readonly Point[], count: (point: Point) => number): number =>
  series.reduce((sum, point) => sum + count(point), 0)

import type { AskedSeries } from '../api/installation-answers.ts'
import type { TextName } from '../texts/en.ts'

const hour = 60 * 60 * 1_000
const day = 24 * hour

type Range = { readonly title: TextName; readonly step: 'hour' | 'day'; readonly length: number }

/** How far back the dashboard looks, and by which steps. */
export const ranges = {
  day: { title: 'rangeDay', step: 'hour', length: day - hour },
  week: { title: 'rangeWeek', step: 'hour', length: 7 * day - hour },
  quarter: { title: 'rangeQuarter', step: 'day', length: 89 * day },
} as const satisfies Readonly<Record<string, Range>>

export type RangeName = keyof typeof ranges

export const rangeNames = Object.keys(ranges) as readonly RangeName[]

/** @param now the server's time; where it is not known yet, the last day is asked for, which needs none */
export const toAskedSeries = (name: RangeName, now: string | undefined): AskedSeries => {
  const { step, length } = ranges[name]
  if (now === undefined) return {}
  return { step, from: new Date(Date.parse(now) - length).toISOString() }
}

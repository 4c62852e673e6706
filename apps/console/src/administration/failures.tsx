import type { Point } from '../api/installation-answers.ts'
import { Heat, type HeatCell, type HeatRow } from '../charts/heat.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import type { RangeName } from './ranges.ts'
import { failedOf, sumOf } from './series.ts'
import { useStepText } from './use-step-text.ts'

type Placed = { readonly point: Point; readonly row: string; readonly column: number }
type ToCell = (point: Point) => HeatCell

/** A row for each day, and its hours by the clock on the wall. */
const byHour = (series: readonly Point[], nameOf: (start: string) => string): readonly Placed[] =>
  series.map(point => ({ point, row: nameOf(point.start), column: new Date(point.start).getHours() }))

/** A row for each day of the week, and the weeks side by side; days are those of UTC. */
const byWeekday = (series: readonly Point[], nameOf: (weekday: number) => string): readonly Placed[] => {
  const first = new Date(series[0]?.start ?? 0).getUTCDay()
  return series
    .map((point, index) => ({ point, weekday: (first + index) % 7, column: Math.floor((first + index) / 7) }))
    .toSorted((a, b) => a.weekday - b.weekday)
    .map(({ point, weekday, column }) => ({ point, row: nameOf(weekday), column }))
}

const toRows = (placed: readonly Placed[], columns: number, toCell: ToCell): readonly HeatRow[] =>
  [...Map.groupBy(placed, ({ row }) => row)].map(([label, found]) => ({
    label,
    cells: Array.from({ length: columns }, (_, column) => {
      const point = found.find(each => each.column === column)?.point
      return point && toCell(point)
    }),
  }))

const hours = 24

/** When sign-ins failed: an attack stands out as a dark cell among light ones. */
export const Failures = ({
  series,
  range,
}: {
  readonly series: readonly Point[]
  readonly range: RangeName
}) => {
  const { text, number, weekdayOf, dayOf, weekdayName } = useTexts()
  const step = useStepText(range)
  const label = text('dayFailed', { count: number(sumOf(series, failedOf)) })
  const toCell: ToCell = point => ({
    key: point.start,
    value: failedOf(point),
    told: `${step.whole(point.start)}\n${text('dayFailed', { count: number(failedOf(point)) })}`,
  })
  if (range === 'quarter') {
    const placed = byWeekday(series, weekdayName)
    const weeks = Math.max(0, ...placed.map(({ column }) => column)) + 1
    const ends = [series[0], series.at(-1)].filter(point => point !== undefined)
    return (
      <Heat label={label} rows={toRows(placed, weeks, toCell)} ends={ends.map(({ start }) => dayOf(start))} />
    )
  }
  return (
    <Heat
      label={label}
      rows={toRows(byHour(series, weekdayOf), hours, toCell)}
      ends={['0', '6', '12', '18', '24']}
    />
  )
}

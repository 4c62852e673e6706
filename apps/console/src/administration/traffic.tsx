import { Stack } from '@mantine/core'
import type { Point } from '../api/installation-answers.ts'
import { Columns } from '../charts/columns.tsx'
import { Legend } from '../charts/legend.tsx'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import type { RangeName } from './ranges.ts'
import { failedOf, refusedOf, sumOf } from './series.ts'
import { useStepText } from './use-step-text.ts'

type Picture = {
  readonly good: (point: Point) => number
  readonly bad: (point: Point) => number
  readonly goodText: TextName
  readonly badText: TextName
}

/** What is drawn over time: what went well, and what did not. */
const pictures = {
  requests: {
    good: point => Math.max(0, point.requests - refusedOf(point)),
    bad: refusedOf,
    goodText: 'countAnswered',
    badText: 'countRefused',
  },
  signIns: { good: point => point.sign_ins, bad: failedOf, goodText: 'daySignIns', badText: 'dayFailed' },
} as const satisfies Readonly<Record<string, Picture>>

type TrafficProps = {
  readonly of: keyof typeof pictures
  readonly series: readonly Point[]
  readonly range: RangeName
}

/** One picture over time. */
export const Traffic = ({ of, series, range }: TrafficProps) => {
  const { text, number } = useTexts()
  const step = useStepText(range)
  const { good, bad, goodText, badText } = pictures[of]
  const say = (counted: readonly Point[]) =>
    [
      text(goodText, { count: number(sumOf(counted, good)) }),
      text(badText, { count: number(sumOf(counted, bad)) }),
    ] as const
  const [goodSum, badSum] = say(series)
  return (
    <Stack gap="xs">
      <Columns
        label={`${goodSum}, ${badSum}`}
        format={number}
        columns={series.map(point => ({
          label: step.short(point.start),
          good: good(point),
          bad: bad(point),
          told: [step.whole(point.start), ...say([point])].join('\n'),
        }))}
      />
      <Legend good={goodSum} bad={badSum} />
    </Stack>
  )
}

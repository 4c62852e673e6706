import { Stack } from '@mantine/core'
import type { Day } from '../api/installation-answers.ts'
import { Row, Rows } from '../frame/rows.tsx'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './days.module.css'

/** What a day has, in the order of its lines; the picture shows the first two. */
const kinds = [
  { text: 'daySignIns', of: 'sign_ins' },
  { text: 'dayFailed', of: 'failed_sign_ins' },
  { text: 'dayFailedFactors', of: 'failed_second_factors' },
  { text: 'dayNewUsers', of: 'new_users' },
  { text: 'dayNewKeys', of: 'new_api_keys' },
] as const satisfies readonly { readonly text: TextName; readonly of: Exclude<keyof Day, 'day'> }[]

/** Units of the picture, which is drawn as wide as there is room. */
const [dayWidth, barWidth, height] = [30, 11, 100] as const

const toBars = (days: readonly Day[]) => {
  const most = Math.max(1, ...days.flatMap(day => [day.sign_ins, day.failed_sign_ins]))
  return days.map((day, index) => ({
    day,
    bars: (['sign_ins', 'failed_sign_ins'] as const).map((of, place) => ({
      of,
      x: index * dayWidth + 3 + place * (barWidth + 2),
      height: (day[of] / most) * height,
    })),
  }))
}

/** The sum of all days, in words: what a picture can't say to everybody. */
const useSums = (days: readonly Day[]): readonly string[] => {
  const { text, language } = useTexts()
  return kinds
    .slice(0, 2)
    .map(({ text: name, of }) =>
      text(name, { count: days.reduce((sum, day) => sum + day[of], 0).toLocaleString(language) }),
    )
}

/** Sign-ins day by day as a picture, and all numbers below it for whoever wants them or sees no picture. */
export const Days = ({ days }: { readonly days: readonly Day[] }) => (
  <Stack gap="xs">
    <Picture days={days} />
    <DayList days={days} />
  </Stack>
)

type DaysProps = { readonly days: readonly Day[] }

const Picture = ({ days }: DaysProps) => {
  const { dayOf } = useTexts()
  const [signIns, failed] = useSums(days)
  const ends = [days[0], days.at(-1)].filter(day => day !== undefined)
  return (
    <>
      <svg
        className={styles.picture}
        viewBox={`0 0 ${days.length * dayWidth} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${signIns}, ${failed}`}
      >
        {toBars(days).flatMap(({ day, bars }) =>
          bars.map(bar => (
            <rect
              key={`${day.day} ${bar.of}`}
              className={bar.of === 'sign_ins' ? styles.good : styles.bad}
              x={bar.x}
              y={height - bar.height}
              width={barWidth}
              height={bar.height}
            />
          )),
        )}
      </svg>
      <div className={styles.ends}>
        {ends.map(({ day }) => (
          <span key={day}>{dayOf(day)}</span>
        ))}
      </div>
      <div className={styles.legend}>
        <LegendOf className={styles.good}>{signIns}</LegendOf>
        <LegendOf className={styles.bad}>{failed}</LegendOf>
      </div>
    </>
  )
}

const LegendOf = ({
  className,
  children,
}: {
  readonly className: string | undefined
  readonly children: string | undefined
}) => (
  <span>
    <svg width="12" height="12" aria-hidden="true">
      <rect className={className} width="12" height="12" />
    </svg>
    {children}
  </span>
)

const DayList = ({ days }: DaysProps) => {
  const { text, dayOf, language } = useTexts()
  const toLine = (day: Day): string =>
    kinds.map(({ text: name, of }) => text(name, { count: day[of].toLocaleString(language) })).join(' · ')
  return (
    <details className={styles.list}>
      <summary>{text('dayByDay')}</summary>
      <Rows label={text('dayByDay')} items={days.toReversed()} none={text('noneOfThem')}>
        {day => <Row key={day.day} title={dayOf(day.day)} lines={[toLine(day)]} />}
      </Rows>
    </details>
  )
}

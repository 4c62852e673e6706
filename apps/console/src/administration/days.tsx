import type { Day } from '../api/installation-answers.ts'
import { Row, Rows } from '../frame/rows.tsx'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './days.module.css'

/** What a day has, in the order of its lines. */
const kinds = [
  { text: 'daySignIns', of: 'sign_ins' },
  { text: 'dayFailed', of: 'failed_sign_ins' },
  { text: 'dayFailedFactors', of: 'failed_second_factors' },
  { text: 'dayNewUsers', of: 'new_users' },
  { text: 'dayNewKeys', of: 'new_api_keys' },
] as const satisfies readonly { readonly text: TextName; readonly of: Exclude<keyof Day, 'day'> }[]

/** The last days one by one, for whoever wants them. */
export const DayList = ({ days }: { readonly days: readonly Day[] }) => {
  const { text, dayOf, number } = useTexts()
  const toLine = (day: Day): string =>
    kinds.map(({ text: name, of }) => text(name, { count: number(day[of]) })).join(' · ')
  return (
    <details className={styles.list}>
      <summary>{text('dayByDay')}</summary>
      <Rows label={text('dayByDay')} items={days.toReversed()} none={text('noneOfThem')}>
        {day => <Row key={day.day} title={dayOf(day.day)} lines={[toLine(day)]} />}
      </Rows>
    </details>
  )
}

import { useState } from 'react'
import type { Point } from '../api/installation-answers.ts'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './points-table.module.css'
import type { RangeName } from './ranges.ts'
import { kinds } from './series.ts'
import { useStepText } from './use-step-text.ts'

type PointsTableProps = { readonly series: readonly Point[]; readonly range: RangeName }

/** All numbers of the pictures, for whoever wants them or sees no picture; made once somebody asks. */
export const PointsTable = (props: PointsTableProps) => {
  const { text } = useTexts()
  const [isOpen, setOpen] = useState(false)
  return (
    <details className={styles.details} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{text('asTable')}</summary>
      {isOpen && <Table {...props} />}
    </details>
  )
}

const Table = ({ series, range }: PointsTableProps) => {
  const { text, number } = useTexts()
  const { whole } = useStepText(range)
  return (
    // It scrolls by itself on a narrow screen, by the keyboard as well.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached
    <section className={styles.scroll} tabIndex={0} aria-label={text('asTable')}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col" className={`${styles.kind} ${styles.first}`}>
              {text('stepTitle')}
            </th>
            {kinds.map(({ title }) => (
              <th key={title} scope="col" className={styles.kind}>
                {text(title)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {series.toReversed().map(point => (
            <tr key={point.start} className={styles.line}>
              <th scope="row" className={styles.step}>
                {whole(point.start)}
              </th>
              {kinds.map(({ title, count }) => (
                <td key={title} className={styles.cell}>
                  {number(count(point))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

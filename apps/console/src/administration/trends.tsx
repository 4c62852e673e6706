import type { Point } from '../api/installation-answers.ts'
import { Sparkline } from '../charts/sparkline.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import { kinds, sumOf } from './series.ts'
import styles from './tile.module.css'

/** The sum of each kind, and how it came about. */
export const Trends = ({ series }: { readonly series: readonly Point[] }) => {
  const { text, number } = useTexts()
  return (
    <ul className={styles.trends} aria-label={text('trendsTitle')}>
      {kinds.map(({ title, count, isBad = false }) => (
        <li key={title} className={styles.trend}>
          <span>{text(title)}</span>
          <span className={styles.count}>{number(sumOf(series, count))}</span>
          <Sparkline values={series.map(count)} isBad={isBad} />
        </li>
      ))}
    </ul>
  )
}

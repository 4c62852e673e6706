import { useId } from 'react'
import styles from './charts.module.css'
import { Hatch } from './hatch.tsx'

type LegendProps = { readonly good: string; readonly bad: string }

/** What plain and hatched columns stand for, with their sums. */
export const Legend = ({ good, bad }: LegendProps) => {
  const hatch = useId()
  return (
    <p className={styles.legend}>
      <span>
        <svg width="12" height="12" aria-hidden="true">
          <rect className={styles.goodFill} width="12" height="12" rx="2" />
        </svg>
        {good}
      </span>
      <span>
        <svg width="12" height="12" aria-hidden="true">
          <Hatch id={hatch} />
          <rect fill={`url(#${hatch})`} width="12" height="12" rx="2" />
        </svg>
        {bad}
      </span>
    </p>
  )
}

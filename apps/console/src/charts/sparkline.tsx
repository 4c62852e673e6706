import { useId } from 'react'
import styles from './charts.module.css'

const [width, height] = [120, 28] as const

const toPoints = (values: readonly number[]): string => {
  const most = Math.max(1, ...values)
  const step = width / Math.max(1, values.length - 1)
  return values
    .map(
      (value, place) =>
        `${(place * step).toFixed(1)},${(height - 1 - (value / most) * (height - 2)).toFixed(1)}`,
    )
    .join(' ')
}

type SparklineProps = { readonly values: readonly number[]; readonly isBad?: boolean }

/** How a number came about, small; the number itself stands beside it, so it says nothing aloud. */
export const Sparkline = ({ values, isBad = false }: SparklineProps) => {
  const fade = useId()
  const points = toPoints(values)
  return (
    <svg
      className={`${styles.sparkline} ${isBad ? styles.bad : styles.good}`}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <linearGradient id={fade} x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stopColor="currentColor" stopOpacity="0.28" />
        <stop offset="1" stopColor="currentColor" stopOpacity="0.03" />
      </linearGradient>
      <polygon points={`0,${height} ${points} ${width},${height}`} fill={`url(#${fade})`} />
      <polyline
        points={points}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}

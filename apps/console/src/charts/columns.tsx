import { useId } from 'react'
import styles from './charts.module.css'
import { Hatch } from './hatch.tsx'
import { spread, toTop } from './scale.ts'
import { useWidth } from './use-width.ts'

/** One step of time: how many there were, and how many of them, or beside them, went wrong. */
export type Column = {
  /** What stands below it, where there is room. */
  readonly label: string | undefined
  readonly good: number
  readonly bad: number
  /** What is said of it where somebody points at it. */
  readonly told: string
}

type ColumnsProps = {
  readonly columns: readonly Column[]
  /** All of it in a sentence, for whoever does not see it. */
  readonly label: string
  readonly format: (count: number) => string
}

const [height, left, bottom, top] = [180, 40, 22, 10] as const
const labelWidth = 64

/** The labels that there are, but for those that would not end before the picture does. */
const toLabels = (columns: readonly Column[], room: number) =>
  columns
    .map(({ label }, place) => ({ label, place }))
    .filter(({ label, place }) => label !== undefined && (place / columns.length) * room <= room - labelWidth)

/** What went well, and above it what went wrong: hatched, so that nobody needs to tell the colours apart. */
export const Columns = ({ columns, label, format }: ColumnsProps) => {
  const [ref, width] = useWidth()
  const hatch = useId()
  const highest = toTop(Math.max(0, ...columns.map(({ good, bad }) => good + bad)))
  const room = Math.max(0, width - left)
  const step = room / Math.max(1, columns.length)
  const bar = Math.max(1, Math.min(22, step - Math.min(4, step * 0.25)))
  const toY = (count: number): number => top + (1 - count / highest) * (height - top - bottom)
  return (
    <div ref={ref} className={styles.picture}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          <Hatch id={hatch} />
          {[0, 0.5, 1].map(share => (
            <g key={share}>
              <line
                className={styles.line}
                x1={left}
                x2={width}
                y1={toY(share * highest)}
                y2={toY(share * highest)}
              />
              <text className={styles.scale} x={left - 8} y={toY(share * highest) + 4} textAnchor="end">
                {format(share * highest)}
              </text>
            </g>
          ))}
          {columns.map((column, place) => (
            <g key={column.told} className={styles.column}>
              <title>{column.told}</title>
              <rect
                className={styles.hover}
                x={left + place * step}
                y={top}
                width={step}
                height={height - top - bottom}
              />
              <Bar
                x={left + place * step + (step - bar) / 2}
                width={bar}
                from={toY(0)}
                to={toY(column.good)}
                className={styles.goodFill}
              />
              <Bar
                x={left + place * step + (step - bar) / 2}
                width={bar}
                from={toY(column.good)}
                to={toY(column.good + column.bad)}
                fill={`url(#${hatch})`}
              />
            </g>
          ))}
          {spread(toLabels(columns, room), Math.floor(room / labelWidth)).map(({ label: name, place }) => (
            <text key={place} className={styles.scale} x={left + place * step + 1} y={height - 5}>
              {name}
            </text>
          ))}
        </svg>
      )}
    </div>
  )
}

type BarProps = {
  readonly x: number
  readonly width: number
  readonly from: number
  readonly to: number
  readonly className?: string | undefined
  readonly fill?: string
}

const Bar = ({ x, width, from, to, className, fill }: BarProps) => {
  // One among thousands is seen as well.
  const tall = from === to ? 0 : Math.max(1.5, from - to)
  return tall === 0 ? null : (
    <rect
      className={className}
      fill={fill}
      x={x}
      y={from - tall}
      width={width}
      height={tall}
      rx={width > 6 ? 1.5 : 0}
    />
  )
}

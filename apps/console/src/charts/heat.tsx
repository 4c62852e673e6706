import styles from './charts.module.css'
import { useWidth } from './use-width.ts'

export type HeatCell = { readonly key: string; readonly value: number; readonly told: string }
export type HeatRow = { readonly label: string; readonly cells: readonly (HeatCell | undefined)[] }

type HeatProps = {
  readonly rows: readonly HeatRow[]
  /** What stands below the cells, by their place. */
  readonly ends: readonly string[]
  readonly label: string
}

const [gap, left, low] = [2, 52, 18] as const
const levels = [0.12, 0.34, 0.56, 0.78, 1] as const

/** None is bare; the others are darker the more there were, in steps that an eye tells apart. */
const toOpacity = (value: number, most: number): number | undefined =>
  value === 0 ? undefined : levels[Math.min(levels.length - 1, Math.floor((value / most) * levels.length))]

/** When most went wrong: a cell for each step of time, each with its number as a word of its own. */
export const Heat = ({ rows, ends, label }: HeatProps) => {
  const [ref, width] = useWidth()
  const columns = Math.max(1, ...rows.map(({ cells }) => cells.length))
  const most = Math.max(1, ...rows.flatMap(({ cells }) => cells.map(cell => cell?.value ?? 0)))
  const step = Math.max(0, (width - left) / columns)
  const tall = Math.max(14, Math.min(24, step))
  return (
    <div ref={ref} className={styles.picture}>
      {width > 0 && (
        <svg width={width} height={rows.length * tall + low} role="img" aria-label={label}>
          {rows.map(({ label: name, cells }, row) => (
            <g key={name}>
              <text className={styles.scale} x="0" y={row * tall + tall / 2 + 4}>
                {name}
              </text>
              {cells.map(
                (cell, place) =>
                  cell && (
                    <g key={cell.key} className={styles.column}>
                      <title>{cell.told}</title>
                      <rect
                        className={cell.value === 0 ? styles.bare : styles.hot}
                        x={left + place * step}
                        y={row * tall}
                        width={Math.max(1, step - gap)}
                        height={tall - gap}
                        rx="2"
                        opacity={toOpacity(cell.value, most)}
                      />
                    </g>
                  ),
              )}
            </g>
          ))}
          {ends.map((end, place) => (
            <text
              key={end}
              className={styles.scale}
              x={left + (place / Math.max(1, ends.length - 1)) * (width - left)}
              y={rows.length * tall + low - 4}
              textAnchor={place === 0 ? 'start' : place === ends.length - 1 ? 'end' : 'middle'}
            >
              {end}
            </text>
          ))}
        </svg>
      )}
    </div>
  )
}

import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import styles from './rows.module.css'

type RowsProps<Item> = {
  /** What the list is of, for whoever does not see it. */
  readonly label: string
  readonly items: readonly Item[]
  /** Said where there is none. */
  readonly none: string
  readonly children: (item: Item) => ReactNode
}

/** A list whose rows stand below each other at every width. */
export const Rows = <Item,>({ label, items, none, children }: RowsProps<Item>) =>
  items.length === 0 ? (
    <Text>{none}</Text>
  ) : (
    <ul className={styles.rows} aria-label={label}>
      {items.map(children)}
    </ul>
  )

type RowProps = {
  readonly title: ReactNode
  /** States, beside the title. */
  readonly badges?: ReactNode
  /** What else is known, one line each. */
  readonly lines?: readonly string[]
  /** What can be done with it. */
  readonly children?: ReactNode
}

export const Row = ({ title, badges, lines = [], children }: RowProps) => (
  <li className={styles.row}>
    <div className={styles.about}>
      <span className={styles.title}>
        {title}
        {badges}
      </span>
      {lines.map(line => (
        <Text key={line} size="sm" c="dimmed">
          {line}
        </Text>
      ))}
    </div>
    {children && <div className={styles.actions}>{children}</div>}
  </li>
)

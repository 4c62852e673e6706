import { Button, Text } from '@mantine/core'
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

type RowButtonProps = {
  /** What it does to this very row, for whoever hears the buttons of all rows one after the other. */
  readonly label: string
  readonly children: string
  readonly onClick: () => void
  /** It ends something. */
  readonly ends?: boolean
}

/** Something that can be done with a row. */
export const RowButton = ({ label, children, onClick, ends = false }: RowButtonProps) => (
  <Button
    {...(ends ? { variant: 'light', color: 'red' } : { variant: 'default' })}
    size="xs"
    aria-label={label}
    onClick={onClick}
  >
    {children}
  </Button>
)

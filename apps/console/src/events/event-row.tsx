import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../texts/use-texts.tsx'
import { EventIcon } from './event-icon.tsx'
import styles from './event-row.module.css'

type EventRowProps = {
  readonly event: { readonly event: string; readonly at: string }
  /** What happened. */
  readonly sentence: ReactNode
  /** States, beside the sentence. */
  readonly marks?: ReactNode
  /** What else is known at a glance, after the time. */
  readonly lines?: readonly string[]
  /** What is shown of it when somebody asks. */
  readonly children?: ReactNode
}

/** One thing that happened, as a row of a list. */
export const EventRow = ({ event: { event, at }, sentence, marks, lines = [], children }: EventRowProps) => {
  const { time } = useTexts()
  return (
    <li className={styles.row}>
      <EventIcon event={event} />
      <div className={styles.about}>
        <span className={styles.sentence}>
          {sentence} {marks}
        </span>
        <Text size="sm" c="dimmed">
          <time dateTime={at}>{time(at)}</time>
          {lines.map(line => ` · ${line}`)}
        </Text>
        {children}
      </div>
    </li>
  )
}

import { type FeedChange, feedChanges } from './feed-head.ts'

export type FeedLog = Readonly<
  Record<'info' | 'error', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

/** How often what happened since the start. */
export type Harm = {
  readonly changes: Readonly<Record<FeedChange | 'lost', number>>
  /** Cut-offs that the database lacked and was given again. */
  readonly writtenBack: number
}

const undone =
  'Sign-outs, changed passwords, taken roles and disabled users may be undone there: docs/troubleshooting.md, "The database went back".'

/** A restart of the server alone is everyday; the others are not. */
const messages: Readonly<Record<FeedChange, readonly ['info' | 'error', string]>> = {
  'other-epoch': ['error', `the database is another one than it was, or was adopted as one. ${undone}`],
  'went-back': ['error', `the database is an older state of itself. ${undone}`],
  'failed-over': [
    'error',
    `another server of PostgreSQL has taken over, which may lack the last commits. ${undone}`,
  ],
  restarted: ['info', 'the server of PostgreSQL was restarted: the feed of cut-offs is read anew'],
}

/** Tells and counts what happens to the feed. */
export const createAlarm = () => {
  const changes: Record<FeedChange | 'lost', number> = {
    ...(Object.fromEntries(feedChanges.map(change => [change, 0])) as Record<FeedChange, number>),
    lost: 0,
  }
  let writtenBack = 0
  let log: FeedLog | undefined
  const whenLost: (() => void)[] = []
  return {
    changed: (change: FeedChange): void => {
      changes[change] += 1
      const [level, message] = messages[change]
      log?.[level]({ event: 'feed.changed', change }, message)
    },
    wroteBack: (change: FeedChange, count: number): void => {
      writtenBack += count
      log?.error(
        { event: 'feed.written-back', change, count },
        `the database lacked cut-offs that this process knew, and has them again: ${count}. ${undone}`,
      )
    },
    lost: (): void => {
      changes.lost += 1
      log?.error(
        { event: 'database.lost' },
        'the file of the database was deleted, or another one stands in its place: nothing that is written now would last, so nobody is let in',
      )
      for (const listener of whenLost) listener()
    },
    onLost: (listener: () => void): void => void whenLost.push(listener),
    harm: (): Harm => ({ changes, writtenBack }),
    tell: (logger: FeedLog): void => {
      log = logger
    },
  }
}

export type FeedAlarm = ReturnType<typeof createAlarm>

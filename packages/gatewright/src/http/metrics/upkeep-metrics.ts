import type { Registry } from 'prom-client'
import type { Engine } from '../../compose.ts'
import { second } from '../../ground/clock.ts'
import { type HousekeepingState, readHousekeeping } from '../../upkeep/housekeeping-state.ts'
import { tell } from './request-metrics.ts'

type Row = {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly label: 'task' | 'table'
  readonly pick: (
    state: HousekeepingState,
    now: number,
  ) => readonly (readonly [string, number | null | undefined])[]
}

/** What housekeeping tells, each by the name of a task or of a table. Times are seconds. */
const rows: readonly Row[] = [
  {
    name: 'gatewright_housekeeping_last_run_timestamp_seconds',
    help: 'When a task was last at work, in any process.',
    type: 'gauge',
    label: 'task',
    pick: ({ tasks }) => tasks.map(({ task, ran_at }) => [task, ran_at / second]),
  },
  {
    name: 'gatewright_housekeeping_last_success_timestamp_seconds',
    help: 'When a task was last done to its end, in any process.',
    type: 'gauge',
    label: 'task',
    pick: ({ tasks }) => tasks.map(({ task, succeeded_at }) => [task, succeeded_at && succeeded_at / second]),
  },
  {
    name: 'gatewright_housekeeping_rows_total',
    help: 'Rows deleted, or sessions ended, by a task in all processes of all times.',
    type: 'counter',
    label: 'task',
    pick: ({ tasks }) => tasks.map(({ task, worked_off }) => [task, worked_off]),
  },
  {
    name: 'gatewright_oldest_row_age_seconds',
    help: 'How long ago the time was by which the oldest row of a table is kept; below 0 where it is to come.',
    type: 'gauge',
    label: 'table',
    pick: ({ ages }, now) => ages.map(({ table, oldest }) => [table, (now - oldest) / second]),
  },
  {
    name: 'gatewright_overdue_row_seconds',
    help: 'For how long the oldest row of a table could have been deleted.',
    type: 'gauge',
    label: 'table',
    pick: ({ ages }) => ages.map(({ table, overdue }) => [table, overdue && overdue / second]),
  },
]

/** What an engine knows of itself. A database that does not answer leaves out what only it knows. */
export const tellUpkeep = (registry: Registry, { db, clock, revocations, lines }: Engine): void => {
  tell(registry, {
    name: 'gatewright_revocations_age_seconds',
    help: 'The age of the view of what was taken back; past REVOCATION_MAX_AGE requests are answered 503.',
    type: 'gauge',
    list: () => [{ labels: {}, value: revocations.age() / second }],
  })
  tell(registry, {
    name: 'gatewright_wake_line_works',
    help: 'Whether what is said on a line by which other processes are woken arrives (1), or time alone wakes (0).',
    type: 'gauge',
    list: () => lines.states().map(({ line, works }) => ({ labels: { line }, value: Number(works) })),
  })
  tell(registry, {
    name: 'gatewright_feed_changes_total',
    help: 'How often this process found the feed of cut-offs to be another one (other-epoch), an older state (went-back), on another server (failed-over) or on one that was restarted, or its file lost.',
    type: 'counter',
    list: () =>
      Object.entries(revocations.harm().changes).map(([change, value]) => ({ labels: { change }, value })),
  })
  tell(registry, {
    name: 'gatewright_cut_offs_written_back_total',
    help: 'Cut-offs that this process knew and a database lacked that went back; it has them again.',
    type: 'counter',
    list: () => [{ labels: {}, value: revocations.harm().writtenBack }],
  })
  let state: Promise<HousekeepingState | undefined> | undefined
  /** Read once for all that ask in one go. */
  const read = (): Promise<HousekeepingState | undefined> => {
    state ??= readHousekeeping(db, clock.now())
      .catch(() => undefined)
      .finally(() => {
        state = undefined
      })
    return state
  }
  for (const { pick, label, ...metric } of rows)
    tell(registry, {
      ...metric,
      aggregator: 'first',
      list: async () => {
        const known = await read()
        if (known === undefined) return []
        return pick(known, clock.now()).flatMap(([name, value]) =>
          value == null ? [] : [{ labels: { [label]: name }, value }],
        )
      },
    })
}

import type { Queues } from '../../administration/queues.ts'
import { second } from '../../ground/clock.ts'
import type { HousekeepingState } from '../../upkeep/housekeeping-state.ts'
import { byLabel, type MetricRow, single } from './metric.ts'

type Row = Pick<MetricRow, 'name' | 'help' | 'type'> & {
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

const ofHousekeeping = ({ pick, label, ...metric }: Row): MetricRow => ({
  ...metric,
  labels: [label],
  isShared: true,
  list: async ({ readHousekeeping, engine }) => {
    const state = await readHousekeeping()
    return state === undefined ? [] : byLabel(label, pick(state, engine.clock.now()))
  },
})

const queues = {
  mail: { waiting: 'mails that wait to be sent', givenUp: 'mails that were given up', what: 'mail' },
  hooks: {
    waiting: 'events that wait for a hook',
    givenUp: 'events that were given up',
    what: 'event for a hook',
  },
} as const satisfies Readonly<Record<keyof Queues, unknown>>

const names = { mail: 'mails', hooks: 'hook_events' } as const

const ofQueue = (queue: keyof Queues): readonly MetricRow[] => {
  const words = queues[queue]
  const shared = { type: 'gauge', labels: [], isShared: true } as const
  return [
    {
      ...shared,
      name: `gatewright_${names[queue]}_waiting`,
      help: `How many ${words.waiting}, in the database; 1,000 stands for so many or more.`,
      list: async ({ readQueues }) => single((await readQueues())?.[queue].waiting),
    },
    {
      ...shared,
      name: `gatewright_${names[queue]}_given_up`,
      help: `How many ${words.givenUp}, in the database; 1,000 stands for so many or more.`,
      list: async ({ readQueues }) => single((await readQueues())?.[queue].givenUp),
    },
    {
      ...shared,
      name: `gatewright_${names[queue]}_oldest_due_seconds`,
      help: `For how long the ${words.what} has been due that has waited longest; 0 where none is.`,
      list: async ({ readQueues, engine }) => {
        const found = await readQueues()
        if (found === undefined) return []
        const { oldestDueAt } = found[queue]
        const now = engine.clock.now()
        return single(oldestDueAt === null ? 0 : Math.max(0, now - oldestDueAt) / second)
      },
    },
  ]
}

/** What is in the database: each process would tell the same, so one does. */
export const upkeepMetrics: readonly MetricRow[] = [
  ...rows.map(ofHousekeeping),
  ...ofQueue('mail'),
  ...ofQueue('hooks'),
]

import { second } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import type { Settings } from '../ground/settings.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { openValkeyScripts } from '../storage/valkey.ts'
import { type KeptStore, keepStore, type OpenStore, type StoreState } from './kept-store.ts'
import { createSqlCounters } from './sql-counters.ts'
import { createValkeyCounters, limitScripts } from './valkey-counters.ts'

type LimitLog = Readonly<
  Record<'info' | 'warn', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

/** The store in which all processes on one database count, kept open. */
export type CounterHome = KeptStore & {
  /** From now on it is told when the store is away, and at once if it is. */
  readonly tell: (log: LimitLog) => void
}

type Connections = {
  readonly db: Database
  /** By which fast rows are added up: it gives up in time, and requests can't use it up. */
  readonly watch: Database
}

/** On a full disk a database can be read. Leaves nothing. */
const tryWrite = (db: Database): Promise<void> =>
  inTransaction(db, async ({ db: transaction }) => {
    await transaction.insertInto('limit_counters').values({ key: '', tat: 0 }).execute()
    await transaction.deleteFrom('limit_counters').where('key', '=', '').execute()
  })

const openDatabase =
  ({ db, watch }: Connections) =>
  async (): Promise<OpenStore> => {
    await tryWrite(db)
    return { ...createSqlCounters(db), add: createSqlCounters(watch).add }
  }

const openValkey = (url: string, epoch: string) => async (): Promise<OpenStore> => {
  const scripts = await openValkeyScripts(url, limitScripts)
  return { ...createValkeyCounters(scripts, epoch), ended: scripts.ended, close: scripts.close }
}

const away =
  'limits that all processes count together can not be counted: each lets a few through by itself, and refuses the rest with 503'
const works = 'limits are counted by all processes together again'

const createTold = () => {
  let log: LimitLog | undefined
  let isTold = false
  let current: StoreState | undefined
  const tell = (): void => {
    if (log === undefined || current === undefined) return
    if (current.is === 'away') log.warn({ why: current.why }, away)
    else if (isTold) log.info({}, works)
    isTold = current.is === 'away'
  }
  return {
    note: (state: StoreState): void => {
      current = state
      tell()
    },
    tell: (logger: LimitLog): void => {
      log = logger
      tell()
    },
  }
}

type Dependencies = Connections & {
  readonly settings: Pick<Settings, 'valkeyUrl'>
  readonly random: Random
  /** The id of the database. */
  readonly epoch: string
}

/** How long a start waits for it. */
const longestOpening = 2 * second

/** Valkey where there is one, else the database. A start goes on without it. */
export const openCounterStore = async ({
  settings: { valkeyUrl },
  random,
  epoch,
  ...connections
}: Dependencies): Promise<CounterHome> => {
  const told = createTold()
  const open = valkeyUrl === undefined ? openDatabase(connections) : openValkey(valkeyUrl, epoch)
  const store = keepStore({ open, random }, told.note)
  await waitAtMost(longestOpening, store.tried)
  return { ...store, tell: told.tell }
}

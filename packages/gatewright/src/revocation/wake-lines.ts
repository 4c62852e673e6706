import type { Random } from '../ground/random.ts'
import type { Settings } from '../ground/settings.ts'
import { isPostgresUrl } from '../storage/database.ts'
import type { Database } from '../storage/tables.ts'
import { findValkeyWarning } from '../storage/valkey.ts'
import { type Waker, wakeEvery } from './wake.ts'
import { openListeningLine } from './wake-by-listening.ts'
import { openValkeyLine } from './wake-by-valkey.ts'
import { type KeptLine, keepLine, type LineState } from './wake-line.ts'

export type LineLog = Readonly<
  Record<'info' | 'warn', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

type LineName = 'listen' | 'valkey'

/** What starts a read of the feed sooner, by the settings. */
export type WakeLines = {
  readonly wakers: readonly Waker[]
  /** What a start should say of the way to Valkey. */
  readonly warnings: readonly string[]
  /** Tells other processes that there is something to read. Never waits, never throws. */
  readonly wakeOthers: () => void
  /** The lines there are to be, and whether what is said on them arrives. */
  readonly states: () => readonly { readonly line: LineName; readonly works: boolean }[]
  /** From now on what becomes of a line is told, and at once what is not as it should be. */
  readonly tell: (log: LineLog) => void
  readonly close: () => Promise<void>
}

/**
 * On SQLite: a read takes 10 µs of the processor, a million cut-offs or none, and asking the file first
 * whether anything was written (`pragma data_version`) takes no less.
 */
const sqliteInterval = 20
/** On PostgreSQL, while notifications do not arrive. */
const pollInterval = 250

const words: Readonly<Record<LineName, Readonly<Record<LineState['is'], string>>>> = {
  listen: {
    works: 'PostgreSQL tells at once of what other processes have taken back',
    deaf: `notifications of PostgreSQL do not arrive, as behind a pooler that lends connections: what other processes have taken back is asked for every ${pollInterval} ms`,
    away: `the connection by which PostgreSQL tells of what was taken back is away: it is asked for every ${pollInterval} ms`,
  },
  valkey: {
    works: 'Valkey tells at once of what other processes have taken back',
    deaf: 'Valkey does not deliver what is published: what other processes have taken back comes by the database alone',
    away: 'Valkey is away: what other processes have taken back comes by the database alone',
  },
}

/** Tells what changes, and a line that works from the start not at all. */
const createTold = () => {
  let log: LineLog | undefined
  const current = new Map<LineName, LineState>()
  const write = (name: LineName, state: LineState): void => {
    const fields = { line: name, ...(state.is === 'away' && { why: state.why }) }
    log?.[state.is === 'works' ? 'info' : 'warn'](fields, words[name][state.is])
  }
  return {
    note: (name: LineName, state: LineState): void => {
      const isFirst = !current.has(name)
      current.set(name, state)
      if (!isFirst || state.is !== 'works') write(name, state)
    },
    tell: (logger: LineLog): void => {
      log = logger
      for (const [name, state] of current) if (state.is !== 'works') write(name, state)
    },
  }
}

const pollUnlessHeard =
  (line: KeptLine): Waker =>
  wake =>
    wakeEvery(pollInterval)(() => {
      if (line.state().is !== 'works') wake()
    })

type Dependencies = {
  readonly settings: Pick<Settings, 'databaseUrl' | 'valkeyUrl'>
  readonly watch: Database
  readonly random: Random
  /** The id of the database. */
  readonly epoch: string
}

/** Nothing is opened before somebody listens, or has something to say. */
export const openWakeLines = ({ settings, ...dependencies }: Dependencies): WakeLines => {
  const { databaseUrl, valkeyUrl } = settings
  const { random } = dependencies
  const told = createTold()
  const keep = (name: LineName, open: Parameters<typeof keepLine>[0]['open']) => ({
    name,
    ...keepLine({ open, random }, state => told.note(name, state)),
  })
  const listen = isPostgresUrl(databaseUrl)
    ? keep('listen', openListeningLine({ ...dependencies, url: databaseUrl }))
    : undefined
  const valkey =
    valkeyUrl === undefined ? undefined : keep('valkey', openValkeyLine({ ...dependencies, url: valkeyUrl }))
  const kept = [listen, valkey].filter(line => line !== undefined)
  return {
    wakers: [
      ...kept.map(({ waker }) => waker),
      listen === undefined ? wakeEvery(sqliteInterval) : pollUnlessHeard(listen),
    ],
    warnings: [findValkeyWarning(settings)].filter(line => line !== undefined),
    wakeOthers: () => valkey?.wakeOthers(),
    states: () => kept.map(({ name, state }) => ({ line: name, works: state().is === 'works' })),
    tell: told.tell,
    close: async () => void (await Promise.all(kept.map(line => line.close()))),
  }
}

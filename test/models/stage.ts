import { setImmediate as immediate } from 'node:timers/promises'
import { type Clock, day, hour, minute, second } from 'gatewright/clock'
import { compose, type Engine } from 'gatewright/compose'
import { newSecret, systemRandom } from 'gatewright/random'
import { defaultSettings } from 'gatewright/settings'
import { blog } from '../../apps/blog/src/blog.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { newTestDatabase } from '../database.ts'
import { createCheapHasher } from './cheap-passwords.ts'
import type { Moment } from './rules.ts'

/** A database with some processes on it, each with connections, memory, settings and secrets of its own. */
export type Stage = {
  readonly processes: readonly [Engine, ...Engine[]]
  /** One more, which knows nothing but what the database says. */
  readonly start: () => Promise<Engine>
  readonly close: () => Promise<void>
}

const start = Date.UTC(2026, 10, 21, 12)
const idle = 14 * day
const longest = 30 * day

/** A clock that is moved by hand; sleeping takes a turn of the loop. */
export type HandClock = Clock & { readonly advance: (milliseconds: number) => void }

export const createHandClock = (): HandClock => {
  let now = start
  return {
    now: () => now,
    monotonic: () => now,
    behind: () => 0,
    sleep: async () => void (await immediate()),
    advance: milliseconds => {
      now += milliseconds
    },
  }
}

/** Processes differ in what an administrator can set for each. */
const differences = [
  { accessTokenTtl: 10 * minute, reversed: false },
  { accessTokenTtl: hour, reversed: true },
] as const

export const openStage = async (count: number): Promise<Stage> => {
  const database = await newTestDatabase()
  const secrets = [newSecret(systemRandom), newSecret(systemRandom)]
  const engines: Engine[] = []
  const open = async (): Promise<Engine> => {
    const { reversed, ...times } = differences[engines.length % 2] ?? differences[0]
    const engine = await compose({
      settings: defaultSettings({
        nodeEnv: 'test',
        databaseUrl: database.url,
        gatewrightSecret: secrets,
        sessionIdleTtl: idle,
        sessionMaxTtl: longest,
        limits: 'off',
        ...times,
      }),
      clock: createHandClock(),
      durability: 'off',
      migrations: blog.migrations ?? [],
      declaration: blog,
    })
    engines.push(engine)
    const held = reversed ? secrets.toReversed() : secrets
    return { ...engine, hasher: createCheapHasher(), secrets: createSecrets(held, systemRandom) }
  }
  const processes: [Engine, ...Engine[]] = [await open()]
  while (processes.length < count) processes.push(await open())
  // For the look-ups of the proof alone: nothing else asks for the cut-offs of one user.
  await processes[0].db.schema.createIndex('cut_offs_by_subject').on('cut_offs').column('subject').execute()
  return {
    processes,
    start: open,
    close: async () => {
      for (const engine of engines) await engine.close()
      await database.drop()
    },
  }
}

/** A process as one history sees it: with its own time, and perhaps just about to die. */
export type View = {
  readonly clock: Clock
  /** `REFRESH_RETRY_WINDOW` */
  readonly window?: number
  /** What it does after its next commit is lost, and so is its answer. */
  readonly isDying?: boolean
}

export const viewOf = (engine: Engine, { clock, window = 10 * second, isDying = false }: View): Engine => ({
  ...engine,
  clock,
  settings: { ...engine.settings, refreshRetryWindow: window },
  ...(isDying && { revocations: { ...engine.revocations, apply: () => {} } }),
})

export const momentOf = ({ clock, settings }: Engine): Moment => ({
  now: clock.now(),
  window: settings.refreshRetryWindow,
  idle: settings.sessionIdleTtl,
  longest: settings.sessionMaxTtl,
})

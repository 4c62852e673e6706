import type { Engine } from 'gatewright/compose'
import { createSeeded } from '../sessions/seeded.ts'
import { playDevices } from './devices.ts'
import type { History, Met, Setting } from './history.ts'
import { pairs, playPair, signIns } from './pairs.ts'
import type { User } from './rules.ts'
import { playSlowRequest } from './slow-requests.ts'
import type { Stage } from './stage.ts'

/** What a history leaves to be counted. */
type Played = Pick<History, 'calls'> & { readonly user: Pick<User, 'sessions'> }

/** One random history. */
type Play = (engines: Stage['processes'], setting: Setting) => Promise<Played>

const playOneOf =
  (some: typeof pairs): Play =>
  (engines, setting) => {
    const pair = some[setting.random.seed % some.length]
    if (pair === undefined) throw new TypeError('there is a pair for every seed')
    return playPair(engines, { ...setting, ...pair })
  }

export const models = {
  refresh: { play: playDevices },
  sessions: { play: playOneOf(pairs) },
  'sign-ins': { play: playOneOf(signIns) },
  'slow requests': { play: playSlowRequest },
} as const satisfies Record<string, { readonly play: Play }>
export type ModelName = keyof typeof models

/** So many seeds lie between one history and the next: a prime, so that they share nothing. */
const stride = 1_000_003
const seeds = 2 ** 29

/** The first history of a run has the run's own seed, so that a run of one repeats it. */
const seedOf = (seed: number, index: number): number => (seed + index * stride) % seeds || 1

export type Run = {
  readonly seed: number
  readonly histories: number
  /** Histories under way at once, each with a user and a time of its own. */
  readonly atOnce: number
}

export type Shown = {
  histories: number
  calls: number
  checked: number
  readonly met: Met
  readonly lost: string[]
}

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined
    ? (error.stack ?? error.message)
    : `${error.message}\n${describe(error.cause)}`
}

/** What has ended is refused by a process that starts only now, and nothing else is. */
const findForgotten = async (
  stage: Stage,
): Promise<{ readonly checked: number; readonly lost: readonly string[] }> => {
  const { db, revocations }: Engine = await stage.start()
  const sessions = await db.selectFrom('sessions').select(['id', 'user_id', 'ended_at']).execute()
  const wrong = sessions.filter(({ id: sessionId, user_id: userId, ended_at }) => {
    const isEnded = revocations.isEnded({ sessionId, userId, userVersion: Number.MAX_SAFE_INTEGER })
    return isEnded !== (ended_at !== null)
  })
  const keys = await db.selectFrom('api_keys').select(['id', 'ended_at']).execute()
  const wrongKeys = keys.filter(({ id, ended_at }) => revocations.isApiKeyEnded(id) !== (ended_at !== null))
  return {
    checked: sessions.length + keys.length,
    lost: [...wrong, ...wrongKeys].map(({ id }) => `a process that starts now is wrong about ${id}`),
  }
}

/** Plays histories until all are played or one shows what must not be. */
export const runModel = async (
  stage: Stage,
  name: ModelName,
  { seed, histories, atOnce }: Run,
  onShown: (shown: Shown) => void = () => {},
): Promise<Shown> => {
  const shown: Shown = { histories: 0, calls: 0, checked: 0, met: new Map(), lost: [] }
  let next = 0
  const playNext = async (): Promise<void> => {
    while (next < histories && shown.lost.length === 0) {
      const own = seedOf(seed, next++)
      const random = createSeeded({ diagnostic: () => {} }, own)
      try {
        const history = await models[name].play(stage.processes, {
          random,
          username: `u${own}x`,
          met: shown.met,
        })
        shown.calls += history.calls
        shown.checked += history.user.sessions.length
      } catch (error) {
        shown.lost.push(`seed ${own}: ${describe(error)}`)
      }
      shown.histories += 1
      onShown(shown)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, playNext))
  const { checked, lost } = await findForgotten(stage)
  shown.checked += checked
  shown.lost.push(...lost)
  return shown
}

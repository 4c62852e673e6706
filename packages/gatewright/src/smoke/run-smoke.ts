import type { Clock } from '../ground/clock.ts'
import { newSecret, type Random } from '../ground/random.ts'
import { closing, firstStep, type Held, journeys, removal } from './journey.ts'
import { NoAnswer } from './no-answer.ts'
import { type Bounds, type Outcome, type Player, playStep, playSteps } from './play.ts'

/** A user that is there, and is not removed. */
export type Account = { readonly username: string; readonly password: string }

export type Smoke = {
  readonly base: URL
  /** Where the routes of the gate stand; without one, the usual two are tried. */
  readonly mount: string | undefined
  /** Without one, a user is registered and removed again. */
  readonly account: Account | undefined
  readonly bounds: Bounds
  /** Ends the journey; what it has made is still removed. */
  readonly stop: AbortSignal
}

export type SmokeReport = {
  readonly mount: string
  readonly username: string
  readonly outcomes: readonly Outcome[]
  readonly ok: boolean
  /** The user that was made and may still be there. */
  readonly left: string | null
}

type Deps = { readonly clock: Clock; readonly random: Random }

const usualMounts = ['/api/v1', '/auth'] as const

/** Whoever finds one left behind sees what it was. */
const newAccount = (random: Random): Account => ({
  username: `smoke-${Buffer.from(random.bytes(8)).toString('hex')}`,
  password: newSecret(random),
})

const toHeld = (mount: string, account: Account): Held => ({
  ...account,
  mount,
  access: '',
  refresh: '',
  former: '',
})

/** The first step, at each place in turn where the gate may stand. */
const findMount = async (player: Player, { mount }: Smoke, account: Account) => {
  const outcomes: Outcome[] = []
  for (const place of mount === undefined ? usualMounts : [mount]) {
    const { held, outcome } = await playStep(player, firstStep, toHeld(place, account))
    if (held !== undefined) return { held, outcomes: [outcome] }
    outcomes.push(outcome)
    // Only "not here" is a reason to look elsewhere.
    if (outcome.status !== 404) break
  }
  return { held: undefined, outcomes }
}

/** A user may be there after every registration that was not refused in words that are the gate's. */
const mayBeMade = (registered: Outcome | undefined): boolean =>
  registered !== undefined &&
  !(registered.code !== undefined && (registered.status ?? 0) >= 400 && (registered.status ?? 0) < 500)

const within = (milliseconds: number, ...others: readonly AbortSignal[]) => {
  const limit = new AbortController()
  const why = new NoAnswer(`all steps together took longer than ${milliseconds / 1_000} s`)
  const timer = setTimeout(() => limit.abort(why), milliseconds)
  return { signal: AbortSignal.any([limit.signal, ...others]), clear: () => clearTimeout(timer) }
}

/** Nobody could sign in: there is no such user, also where the registration had no answer. */
const isNobody = (outcomes: readonly Outcome[]): boolean =>
  outcomes.length === 1 && outcomes[0]?.status === 401 && outcomes[0].code === 'invalid_credentials'

/** Not stopped by what ended the journey: it has a time of its own. */
const cleanUp = async (
  player: Omit<Player, 'signal'>,
  { account }: Smoke,
  reached: Held,
  done: readonly Outcome[],
) => {
  const isLeft = account === undefined && mayBeMade(done[0])
  const isOpen =
    account !== undefined && reached.access !== '' && !done.some(({ step, ok }) => step === 'sign out' && ok)
  if (!isLeft && !isOpen) return { outcomes: [], left: false }
  const { signal, clear } = within(player.bounds.all)
  const { outcomes } = await playSteps({ ...player, signal }, isLeft ? removal : closing, reached)
  clear()
  if (isLeft && !done[0]?.ok && isNobody(outcomes)) return { outcomes: [], left: false }
  return { outcomes, left: isLeft && !outcomes.some(({ method, ok }) => method === 'DELETE' && ok) }
}

/**
 * Goes the way of a user through a running installation: no token, register, sign in, be let in, refresh, sign out,
 * be refused; and removes the user it has made, also where something went wrong on the way.
 */
export const runSmoke = async ({ clock, random }: Deps, smoke: Smoke): Promise<SmokeReport> => {
  const { base, bounds, stop, account } = smoke
  const user = account ?? newAccount(random)
  const { signal, clear } = within(bounds.all, stop)
  const player = { base, clock, bounds, signal }
  const found = await findMount(player, smoke, user)
  const start = found.held
  if (start === undefined) {
    clear()
    return { mount: '', username: user.username, outcomes: found.outcomes, ok: false, left: null }
  }
  const journey = await playSteps(player, journeys[account === undefined ? 'own' : 'given'], start)
  clear()
  const cleaned = await cleanUp({ base, clock, bounds }, smoke, journey.held, journey.outcomes)
  const outcomes = [...found.outcomes, ...journey.outcomes, ...cleaned.outcomes]
  return {
    mount: start.mount,
    username: user.username,
    outcomes,
    ok: outcomes.every(outcome => outcome.ok),
    left: cleaned.left ? user.username : null,
  }
}

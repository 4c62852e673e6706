import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../ground/clock.ts'
import { type Answer, ask } from './ask.ts'
import type { Held, Step } from './journey.ts'
import { NoAnswer } from './no-answer.ts'

export type Bounds = {
  /** The longest that one request may take. */
  readonly request: number
  /** The longest that all of them may take, and as long again to clean up. */
  readonly all: number
  /** How long after a sign-out another process may still take its tokens. */
  readonly refusal: number
}

/** What came of one step. */
export type Outcome = {
  readonly step: string
  readonly method: string
  readonly path: string
  readonly expected: string
  /** The status and the code of the answer, or why there is none. Never a part of a secret. */
  readonly came: string
  readonly ok: boolean
  readonly milliseconds: number
  readonly status?: number
  readonly code?: string | undefined
}

type Played = { readonly outcome: Outcome; readonly held: Held | undefined }

export type Player = {
  readonly base: URL
  readonly clock: Clock
  readonly bounds: Bounds
  readonly signal: AbortSignal
}

/** How often in a row something must be refused, by whichever processes a balancer chooses. */
const refusalsInARow = 3
const pause = 100

const codeOf = ({ body }: Answer): string | undefined =>
  typeof body?.code === 'string' && /^[a-z_]{1,40}$/.test(body.code) ? body.code : undefined

/** Where a redirect leads to, without what may be secret in it. */
const leadsTo = (base: URL, location: string | undefined): string => {
  const to = location === undefined ? null : URL.parse(location, base)
  return to === null ? '' : ` to ${to.origin}${to.pathname}`
}

const tell = (base: URL, answer: Answer): string => {
  const { status, body, type, location, retryAfter } = answer
  const code = codeOf(answer)
  const parts = [`${status}${code === undefined ? '' : ` ${code}`}${leadsTo(base, location)}`]
  if (body === undefined && status !== 204) parts.push(type === '' ? 'without a body' : `${type}, no JSON`)
  if (retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter)) parts.push(`try again in ${retryAfter} s`)
  return parts.join(', ')
}

const timeIsOver = (milliseconds: number): NoAnswer =>
  new NoAnswer(`no answer within ${milliseconds / 1_000} s`)

/** @throws NoAnswer */
const askInTime = async ({ base, bounds, signal }: Player, step: Step, held: Held): Promise<Answer> => {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(timeIsOver(bounds.request)), bounds.request)
  try {
    return await ask(base, step.asks(held), AbortSignal.any([signal, limit.signal]))
  } finally {
    clearTimeout(timer)
  }
}

type Tried = { readonly held: Held | undefined; readonly answer: Answer }

const tryOnce = async (player: Player, step: Step, held: Held): Promise<Tried> => {
  const answer = await askInTime(player, step, held)
  return { answer, held: step.take(answer, held) }
}

/** Only "taken" is asked again: whatever else is wrong does not get better by waiting. */
const isStillTaken = ({ held, answer: { status } }: Tried): boolean =>
  held === undefined && status >= 200 && status < 300

/** Until it is refused so many times in a row, or was taken for too long. */
const tryUntilRefused = async (player: Player, step: Step, held: Held): Promise<Tried> => {
  const { clock, bounds, signal } = player
  const end = clock.monotonic() + bounds.refusal
  for (let inARow = 0; ; ) {
    const tried = await tryOnce(player, step, held)
    inARow = tried.held === undefined ? 0 : inARow + 1
    if (inARow === refusalsInARow) return tried
    if (inARow > 0) continue
    if (!isStillTaken(tried) || clock.monotonic() >= end) return tried
    await delay(pause, undefined, { signal })
  }
}

/** One step, and what came of it: a step never throws. */
export const playStep = async (player: Player, step: Step, held: Held): Promise<Played> => {
  const { base, clock, bounds } = player
  const begun = clock.monotonic()
  const { method, path } = step.asks(held)
  const outcomeOf = (ok: boolean, came: string, answer?: Answer): Outcome => ({
    step: step.name,
    method,
    path,
    expected: step.expects,
    came,
    ok,
    milliseconds: Math.round(clock.monotonic() - begun),
    ...(answer && { status: answer.status, code: codeOf(answer) }),
  })
  try {
    const tried = await (step.isRefusal ? tryUntilRefused : tryOnce)(player, step, held)
    const taken = step.isRefusal && isStillTaken(tried) ? `, still ${bounds.refusal / 1_000} s later` : ''
    const came = tell(base, tried.answer) + taken
    return { held: tried.held, outcome: outcomeOf(tried.held !== undefined, came, tried.answer) }
  } catch (error) {
    const why = player.signal.aborted ? player.signal.reason : error
    return { held: undefined, outcome: outcomeOf(false, why instanceof Error ? why.message : String(why)) }
  }
}

/** Steps in order, until one of them fails. */
export const playSteps = async (player: Player, steps: readonly Step[], held: Held) => {
  const outcomes: Outcome[] = []
  let last = held
  for (const step of steps) {
    const played = await playStep(player, step, last)
    outcomes.push(played.outcome)
    if (played.held === undefined) return { outcomes, held: last, ok: false }
    last = played.held
  }
  return { outcomes, held: last, ok: true }
}

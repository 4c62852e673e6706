import type { OwnEnd } from '../activity/own-story.ts'

type FieldError = { readonly path: string; readonly message: string }

/** What a problem (RFC 9457) tells. `unreachable`: no server answered, or not ours. */
export type Problem = {
  readonly code: string
  readonly errors?: readonly FieldError[]
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number
  /** By which a proof can be shown, where one is due. */
  readonly methods?: readonly string[]
  /** How often a code may still be tried; none is left where it must begin again. */
  readonly attempts_left?: number
  /** Of a session that has ended: why, and when. */
  readonly reason?: string
  readonly ended_at?: string
  /** What a half sign-in is finished with. */
  readonly mfa_token?: string
  /** What a new password is set with, where one is due. */
  readonly password_token?: string
}

/** The code of what a person took back: nothing was done, and nothing needs to be said. */
export const cancelled = 'cancelled'

/** An answer that is a no. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.code)
    this.problem = problem
  }
}

/** The problem behind whatever was thrown; what is a mistake of ours has a code of its own. */
export const problemOf = (error: unknown): Problem =>
  error instanceof Refused ? error.problem : { code: 'internal_error' }

export const isRefused = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Refused && codes.includes(error.problem.code)

/** Whether nobody is signed in here any more. */
export const isOver = (error: unknown): boolean =>
  isRefused(error, 'session_ended', 'invalid_token', 'token_expired')

/** Why the session ended, where the server says it. One that goes on under a new name is none. */
export const endOf = (error: unknown): OwnEnd | undefined => {
  const { code, reason, ended_at: at } = problemOf(error)
  if (code !== 'session_ended' || reason === undefined || at === undefined || reason === 'renewed')
    return undefined
  return { reason, at }
}

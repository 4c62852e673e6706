import { isDeepStrictEqual } from 'node:util'
import { type Call, type Moment, type Outcome, rules, type Told, type User } from './rules.ts'

/** A call that was made and answered. */
export type Done = {
  readonly call: Call
  readonly moment: Moment
  readonly told: Told
  /** The call that had been answered before this one was made, where there is one. */
  readonly after?: Done
}

const apply = (user: User, { call, moment, told }: Done): Outcome => {
  const made = 'refused' in told ? '' : (told.session ?? told.key ?? '')
  // The rule of a name takes the call of that name.
  return (rules[call.name] as (...args: readonly unknown[]) => Outcome)(user, call, moment, made)
}

/** Whoever met too many changes at once is told to try again, and has changed nothing. */
const isGivenUp = ({ told }: Done): boolean => 'refused' in told && told.refused === 'unavailable'
const mayGiveUp = ({ told }: Done, calls: number): boolean =>
  calls > 2 || ('refused' in told && told.isAway === true)

/**
 * Every state in which the user can be after these calls, which were made at once, had been answered as they
 * were: one for each order that explains all answers. None: what was done is not what the rules say.
 */
export const explain = (user: User, calls: readonly Done[]): readonly User[] => {
  if (calls.length === 0) return [user]
  return calls.flatMap(done => {
    const rest = calls.filter(each => each !== done)
    if (done.after !== undefined && rest.includes(done.after)) return []
    if (isGivenUp(done)) return mayGiveUp(done, calls.length) ? explain(user, rest) : []
    const outcome = apply(user, done)
    return isDeepStrictEqual(outcome.told, done.told) ? explain(outcome.user, rest) : []
  })
}

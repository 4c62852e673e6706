import type { KeyEndReason } from '../../packages/gatewright/src/api-keys/api-keys.ts'
import type { EndReason } from '../../packages/gatewright/src/ground/end-reasons.ts'
import type { RefusalCode } from '../../packages/gatewright/src/ground/refusal.ts'
import type { AssertionResponse } from '../../packages/gatewright/src/passkeys/responses.ts'
import type { Holding } from '../../packages/gatewright/src/sessions/sessions.ts'

/**
 * What the rules say, written anew in the plainest way: one user at a time, one call after the other, all in
 * memory. What the engine does with calls that come at once must be explained by some order of them here.
 */
export type Session = {
  readonly id: string
  readonly holding: Holding
  readonly generation: number
  readonly since: number
  readonly lastUsed: number
  readonly expiresAt: number
  readonly ended?: { readonly at: number; readonly reason: EndReason }
  readonly replacedBy?: string
  /** The id of the secret that its token rests on, where that is not the one in force. */
  readonly secret?: string | undefined
  /** It was there before the second factor, and has shown none since. */
  readonly lacksFactor?: boolean
}

/** An API key, which goes on until it has ended, or until its time. */
export type Key = {
  readonly id: string
  readonly ended?: KeyEndReason
  readonly replacedBy?: string
  readonly expiresAt?: number
}

export type User = {
  readonly password: string
  readonly version: number
  readonly state: 'enabled' | 'disabled' | 'deleted'
  readonly roles: readonly string[]
  /** A role that was made for this user alone, and that still allows what keys are made of. */
  readonly role?: { readonly name: string; readonly allows: boolean }
  readonly keys: readonly Key[]
  /** The user has an authenticator app. */
  readonly hasFactor: boolean
  readonly hasPasskey: boolean
  /** An administrator asked for a new password. */
  readonly isPasswordDue?: boolean
  /** A sign-in waits for its second half. */
  readonly isHalfIn: boolean
  readonly sessions: readonly Session[]
}

/** When, by the clock and the settings of the process that a call is made to. */
export type Moment = {
  readonly now: number
  readonly window: number
  readonly idle: number
  readonly longest: number
}

/** What is asked for; `session` is the id of the one that asks. */
export type Calls = {
  'sign in': { readonly password: string; readonly holding: Holding }
  refresh: { readonly session: string; readonly generation: number; readonly text: string }
  'use the cookie': { readonly session: string; readonly text: string }
  'step up': { readonly session: string; readonly password: string }
  'change the password': { readonly session: string; readonly password: string; readonly next: string }
  'add a factor': { readonly session: string; readonly code: string }
  'remove the factor': { readonly session: string }
  'reset the factors': object
  'renew the recovery codes': { readonly session: string }
  'show a passkey': { readonly answer: AssertionResponse; readonly holding: Holding }
  'show a factor': { readonly mfaToken: string; readonly code: string; readonly holding: Holding }
  'step up by the factor': { readonly session: string; readonly code: string }
  'log out': { readonly session: string }
  'end another': { readonly session: string; readonly other: string }
  'end all others': { readonly session: string }
  'end all sessions': object
  'force a change': object
  'change the roles': { readonly roles: readonly string[] }
  disable: object
  enable: object
  delete: { readonly session: string }
  'retire the secret': { readonly secretId: string }
  'make a key': { readonly session: string }
  'rotate the key': { readonly session: string; readonly key: string }
  'revoke the key': { readonly key: string }
  'show the key': { readonly key: string; readonly text: string }
  'narrow the role': { readonly role: string }
  'revoke the signing key': { readonly kid: string }
  /** One from a mail; `version` is the user's when it was made. */
  'reset the password': { readonly token: string; readonly version: number; readonly next: string }
  'verify an address': { readonly token: string; readonly version: number }
  'undo a change of address': { readonly token: string }
  'say it was somebody else': { readonly token: string }
}
export type CallName = keyof Calls
export type Call = { readonly [Name in CallName]: { readonly name: Name } & Calls[Name] }[CallName]

/**
 * What is answered: a refusal, or where a session is given, which one, with what. `isAway`: the database could
 * not do it in time, on a machine that is too slow.
 */
export type Told =
  | { readonly refused: RefusalCode; readonly isAway?: true }
  | {
      readonly session?: string
      readonly generation?: number
      readonly roles?: readonly string[]
      /** The id of an API key that was made. */
      readonly key?: string
    }

export type Outcome = { readonly told: Told; readonly user: User }

/** @param made the id of the session or key that the call made, if it did */
type Rule<Input> = (user: User, input: Input, moment: Moment, made: string) => Outcome

/** How long a key that is rotated goes on. */
export const keyOverlap = 60_000

const isWithin = (since: number, { now, window }: Moment): boolean => Math.abs(now - since) < window
const findTimeout = (session: Session, { now, idle }: Moment): 'expired' | 'idle' | undefined => {
  if (session.expiresAt <= now) return 'expired'
  return session.lastUsed + idle <= now ? 'idle' : undefined
}
const isJustRenewed = ({ ended }: Session, moment: Moment): boolean =>
  ended?.reason === 'renewed' && isWithin(ended.at, moment)

const refuse = (user: User, refused: RefusalCode): Outcome => ({ user, told: { refused } })
const find = ({ sessions }: User, id: string): Session => {
  const session = sessions.find(each => each.id === id)
  if (session === undefined) throw new TypeError('the rules know no such session')
  return session
}
const change = (user: User, id: string, values: Partial<Session>): User => ({
  ...user,
  sessions: user.sessions.map(session => (session.id === id ? { ...session, ...values } : session)),
})
const end = (user: User, reason: EndReason, { now }: Moment, isChosen: (id: string) => boolean): User => ({
  ...user,
  sessions: user.sessions.map(session =>
    session.ended || !isChosen(session.id) ? session : { ...session, ended: { at: now, reason } },
  ),
})
/** Nothing begun before is finished, and no sign-in that waits for its second half is either. */
const raise = (user: User): User => ({ ...user, version: user.version + 1, isHalfIn: false })

const give = (user: User, id: string): Outcome => {
  const { generation } = find(user, id)
  return { user, told: { session: id, generation, roles: [...user.roles].sort() } }
}

/** The session goes on under a new id. */
const renew = (user: User, id: string, moment: Moment, made: string): Outcome => {
  const old = find(user, id)
  if (old.holding === 'cookie' && isJustRenewed(old, moment)) return refuse(user, 'session_renewed')
  if (old.ended || findTimeout(old, moment)) return refuse(user, 'session_ended')
  const { now } = moment
  const { secret: _, ...rest } = old
  const next: Session = { ...rest, id: made, generation: 1, since: now, lastUsed: now }
  const ended = end(user, 'renewed', moment, each => each === id)
  const { sessions } = change(ended, id, { replacedBy: made })
  return give({ ...user, sessions: [...sessions, next] }, made)
}

/** What can't give a new id changes nothing. */
const undoIfRefused = (user: User, outcome: Outcome): Outcome =>
  'refused' in outcome.told ? { ...outcome, user } : outcome

const isRight = ({ state, password }: User, shown: string): boolean =>
  state === 'enabled' && password === shown

const judge = (session: Session, shown: number, moment: Moment): number | 'reused' | 'ahead' => {
  const [behind, isFresh] = [session.generation - shown, isWithin(session.since, moment)]
  if (behind < 0) return 'ahead'
  if (behind === 0) return isFresh ? shown : shown + 1
  return behind === 1 && isFresh ? session.generation : 'reused'
}

/** Its token is then made with the secret in force. */
const rotate = (session: Session, generation: number, { now }: Moment): Partial<Session> =>
  generation > session.generation ? { generation, since: now, secret: undefined } : {}

const endOverdue = (user: User, session: Session, moment: Moment): Outcome | undefined => {
  const timeout = findTimeout(session, moment)
  return (
    timeout &&
    refuse(
      end(user, timeout, moment, id => id === session.id),
      'session_ended',
    )
  )
}

const endKeys = (user: User, reason: KeyEndReason, isChosen = (_: Key): boolean => true): User => ({
  ...user,
  keys: user.keys.map(key => (key.ended === undefined && isChosen(key) ? { ...key, ended: reason } : key)),
})

type LinkReason = EndReason & KeyEndReason
const endByLink = (user: User, reason: LinkReason, moment: Moment): User =>
  raise(
    endKeys(
      end(user, reason, moment, () => true),
      reason,
    ),
  )

/** What keys are changed by must go on, and must have shown a factor where the user has one. */
const findUnproven = (user: User, id: string): RefusalCode | undefined => {
  const { ended, lacksFactor } = find(user, id)
  if (ended) return 'session_ended'
  return lacksFactor && (user.hasFactor || user.hasPasskey) ? 'insufficient_user_authentication' : undefined
}

const mayWrite = ({ roles, role }: User): boolean =>
  roles.some(name => (name === role?.name ? role.allows : ['user', 'moderator'].includes(name)))

/** A key, what it was made in place of, and what was made in its place. */
const familyOf = ({ keys }: User, id: string): readonly Key[] => {
  const key = keys.find(each => each.id === id)
  return keys.filter(each => each.id === id || each.id === key?.replacedBy || each.replacedBy === id)
}

export const rules: { readonly [Name in CallName]: Rule<Calls[Name]> } = {
  'sign in': (user, { password, holding }, { now, longest }, id) => {
    if (!isRight(user, password)) return refuse(user, 'invalid_credentials')
    if (user.hasFactor || user.hasPasskey) return refuse(user, 'mfa_required')
    if (user.isPasswordDue) return refuse(user, 'password_change_required')
    const times = { since: now, lastUsed: now, expiresAt: now + longest }
    return give({ ...user, sessions: [...user.sessions, { id, holding, generation: 1, ...times }] }, id)
  },
  refresh: (user, { session: id, generation: shown }, moment) => {
    const session = find(user, id)
    if (session.ended) {
      const isRecent = [0, 1].includes(session.generation - shown)
      return refuse(user, isJustRenewed(session, moment) && isRecent ? 'session_renewed' : 'session_ended')
    }
    const overdue = endOverdue(user, session, moment)
    if (overdue) return overdue
    const generation = judge(session, shown, moment)
    const isThis = (each: string): boolean => each === id
    if (generation === 'reused')
      return refuse(end(user, 'refresh_token_reused', moment, isThis), 'refresh_token_reused')
    if (generation === 'ahead')
      return refuse(end(user, 'refresh_token_ahead', moment, isThis), 'session_ended')
    // A request that began earlier and came later leaves the later use.
    const lastUsed = Math.max(session.lastUsed, moment.now)
    return give(change(user, id, { ...rotate(session, generation, moment), lastUsed }), id)
  },
  'use the cookie': (user, { session: id }, moment) => {
    const session = find(user, id)
    if (session.ended)
      return refuse(user, isJustRenewed(session, moment) ? 'session_renewed' : 'session_ended')
    const overdue = endOverdue(user, session, moment)
    if (overdue) return overdue
    const isNoted = moment.now - session.lastUsed >= Math.min(60_000, moment.idle / 2)
    return { user: isNoted ? change(user, id, { lastUsed: moment.now }) : user, told: {} }
  },
  'step up': (user, { session, password }, moment, made) => {
    if (user.hasFactor || user.hasPasskey) return refuse(user, 'mfa_required')
    return isRight(user, password) ? renew(user, session, moment, made) : refuse(user, 'invalid_credentials')
  },
  'change the password': (user, { session, password, next }, moment, made) => {
    if (!isRight(user, password)) return refuse(user, 'invalid_credentials')
    const others = end(user, 'password_changed', moment, id => id !== session)
    const outcome = undoIfRefused(user, renew({ ...raise(others), password: next }, session, moment, made))
    const isDue = !('refused' in outcome.told) && find(user, session).lacksFactor
    return isDue ? refuse(user, 'insufficient_user_authentication') : outcome
  },
  'show a passkey': (user, { holding }, { now, longest }, id) => {
    if (user.state !== 'enabled' || !user.hasPasskey) return refuse(user, 'invalid_credentials')
    if (user.isPasswordDue) return refuse(user, 'password_change_required')
    const times = { since: now, lastUsed: now, expiresAt: now + longest }
    return give({ ...user, sessions: [...user.sessions, { id, holding, generation: 1, ...times }] }, id)
  },
  'show a factor': (user, { holding }, { now, longest }, id) => {
    if (!user.isHalfIn || !user.hasFactor) return refuse(user, 'invalid_mfa_code')
    const times = { since: now, lastUsed: now, expiresAt: now + longest }
    const sessions = [...user.sessions, { id, holding, generation: 1, ...times }]
    return give({ ...user, isHalfIn: false, sessions }, id)
  },
  'step up by the factor': (user, { session }, moment, made) =>
    user.hasFactor
      ? renew(change(user, session, { lacksFactor: false }), session, moment, made)
      : refuse(user, 'invalid_mfa_code'),
  'add a factor': (user, { session }, moment, made) => {
    if (find(user, session).ended) return refuse(user, 'session_ended')
    if (user.hasFactor) return refuse(user, 'conflict')
    const { sessions, ...rest } = raise(user)
    const marked = sessions.map(each => ({ ...each, lacksFactor: each.id !== session }))
    const withFactor = { ...rest, sessions: marked, hasFactor: true }
    return undoIfRefused(user, renew(withFactor, session, moment, made))
  },
  'remove the factor': (user, { session }, moment, made) => {
    if (find(user, session).ended) return refuse(user, 'session_ended')
    if (!user.hasFactor) return refuse(user, 'not_found')
    const others = end(user, 'second_factor_removed', moment, id => id !== session)
    return undoIfRefused(user, renew({ ...raise(others), hasFactor: false }, session, moment, made))
  },
  'reset the factors': (user, _, moment) => {
    if (user.state === 'deleted') return refuse(user, 'not_found')
    if (!user.hasFactor && !user.hasPasskey) return { user, told: {} }
    const ended = end(user, 'second_factors_reset', moment, () => true)
    return { user: { ...raise(ended), hasFactor: false, hasPasskey: false }, told: {} }
  },
  'renew the recovery codes': (user, { session }, moment, made) => {
    if (find(user, session).ended) return refuse(user, 'session_ended')
    if (!user.hasFactor && !user.hasPasskey) return refuse(user, 'conflict')
    return undoIfRefused(user, renew(raise(user), session, moment, made))
  },
  'log out': (user, { session }, moment) => {
    let at = find(user, session)
    while (at.replacedBy && at.ended && isWithin(at.ended.at, moment)) at = find(user, at.replacedBy)
    return { user: end(user, 'logout', moment, id => id === at.id), told: {} }
  },
  'end another': (user, { session, other }, moment) => {
    if (find(user, session).ended) return refuse(user, 'session_ended')
    if (find(user, other).ended) return refuse(user, 'not_found')
    const ended = end(user, 'ended_by_owner', moment, id => id === other)
    return { user: change(ended, session, { since: 0 }), told: {} }
  },
  'end all others': (user, { session }, moment) => {
    if (find(user, session).ended) return refuse(user, 'session_ended')
    const ended = end(user, 'ended_by_owner', moment, id => id !== session)
    return { user: change(raise(ended), session, { since: 0 }), told: {} }
  },
  'end all sessions': (user, _, moment) =>
    user.state === 'deleted'
      ? refuse(user, 'not_found')
      : { user: raise(end(user, 'ended_by_administrator', moment, () => true)), told: {} },
  'force a change': (user, _, moment) =>
    user.state === 'deleted'
      ? refuse(user, 'not_found')
      : {
          user: {
            ...raise(end(user, 'password_change_forced', moment, () => true)),
            isPasswordDue: true,
          },
          told: {},
        },
  'change the roles': (user, { roles }) =>
    user.state === 'deleted'
      ? refuse(user, 'not_found')
      : { user: { ...raise(user), isHalfIn: user.isHalfIn, roles: [...new Set(roles)].sort() }, told: {} },
  disable: (user, _, moment) => {
    if (user.state !== 'enabled') return { user, told: {} }
    const ended = endKeys(
      end(user, 'user_disabled', moment, () => true),
      'user_disabled',
    )
    return { user: { ...raise(ended), state: 'disabled' }, told: {} }
  },
  enable: user => ({ user: user.state === 'disabled' ? { ...user, state: 'enabled' } : user, told: {} }),
  delete: (user, { session }, moment) => {
    if (user.state === 'deleted') return refuse(user, 'not_found')
    if (find(user, session).ended) return refuse(user, 'session_ended')
    const ended = endKeys(
      end(user, 'user_deleted', moment, () => true),
      'user_deleted',
    )
    return {
      user: { ...raise(ended), state: 'deleted', roles: [], hasFactor: false, hasPasskey: false },
      told: {},
    }
  },
  'retire the secret': (user, { secretId }, moment) => {
    const resting = user.sessions.filter(({ secret }) => secret === secretId).map(({ id }) => id)
    return { user: end(user, 'secret_retired', moment, id => resting.includes(id)), told: {} }
  },
  'make a key': (user, { session }, _, id) => {
    const unproven = findUnproven(user, session)
    if (unproven) return refuse(user, unproven)
    if (!mayWrite(user)) return refuse(user, 'insufficient_permission')
    return { user: { ...user, keys: [...user.keys, { id }] }, told: { key: id } }
  },
  'rotate the key': (user, { session, key }, { now }, id) => {
    const unproven = findUnproven(user, session)
    if (unproven) return refuse(user, unproven)
    const old = user.keys.find(each => each.id === key)
    if (old === undefined || old.ended) return refuse(user, 'not_found')
    if (old.replacedBy) return refuse(user, 'conflict')
    const replaced = { ...old, replacedBy: id, expiresAt: now + keyOverlap }
    const keys = [...user.keys.map(each => (each === old ? replaced : each)), { id }]
    return { user: { ...user, keys }, told: { key: id } }
  },
  'revoke the key': (user, { key }) => {
    const family = familyOf(user, key).map(({ id }) => id)
    if (user.keys.find(({ id }) => id === key)?.ended) return refuse(user, 'not_found')
    return { user: endKeys(user, 'revoked', ({ id }) => family.includes(id)), told: {} }
  },
  'show the key': (user, { key }, { now }) => {
    const shown = user.keys.find(({ id }) => id === key)
    const isOver = shown?.expiresAt !== undefined && shown.expiresAt <= now
    if (shown === undefined || shown.ended || isOver) return refuse(user, 'invalid_token')
    return mayWrite(user) ? { user, told: {} } : refuse(user, 'insufficient_permission')
  },
  'narrow the role': user => ({
    user: { ...user, ...(user.role && { role: { ...user.role, allows: false } }) },
    told: {},
  }),
  'reset the password': (user, { version, next }, moment) => {
    if (user.version !== version) return refuse(user, 'invalid_link')
    if (user.hasFactor || user.hasPasskey) return refuse(user, 'mfa_required')
    return { user: { ...endByLink(user, 'password_reset', moment), password: next }, told: {} }
  },
  'verify an address': (user, { version }) =>
    user.version === version ? { user: raise(user), told: {} } : refuse(user, 'invalid_link'),
  // These two outlive what else happens.
  'undo a change of address': (user, _, moment) => ({
    user: { ...endByLink(user, 'email_change_undone', moment), password: '' },
    told: {},
  }),
  'say it was somebody else': (user, _, moment) => ({
    user: { ...endByLink(user, 'denied_by_owner', moment), password: '' },
    told: {},
  }),
  // Access tokens alone end by it.
  'revoke the signing key': user => ({ user, told: {} }),
}

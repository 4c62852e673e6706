import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { permissionsGivenBy, type TrustedIssuer, warningsOfIssuers } from '../ground/trusted-issuers.ts'
import type { Permission } from '../permissions/access-rule.ts'
import { administrativePermissions } from '../permissions/permissions.ts'
import type { RoleTable } from '../permissions/roles.ts'
import type { RereadCalls } from '../revocation/cut-off-set.ts'
import type { Database } from '../storage/tables.ts'
import {
  checkForeignToken,
  type ForeignToken,
  peekIssuer,
  verifyForeignToken,
} from '../tokens/foreign-token.ts'
import { createVerifiedTokens, usualBounds } from '../tokens/verified-tokens.ts'
import { createBlockedIssuers } from './blocked-issuers.ts'
import { type Resolve, resolveName } from './get-issuer-json.ts'
import { createIssuerKeys, type IssuerHealth, type IssuerKeys } from './issuer-keys.ts'
import { createLinkedUsers, type LinkedUser } from './linked-users.ts'
import { readIssuerKeys } from './read-issuer-keys.ts'

/** What one token of another issuer may do at this moment, and for whom. */
export type ForeignCaller = {
  readonly token: ForeignToken
  /** Ours that theirs are mapped to: what is not mapped is not taken. */
  readonly permissions: readonly Permission[]
  /** The user whom it acts for; undefined where its issuer's tokens act for no user here. */
  readonly user: LinkedUser | undefined
}

/** Tells what went wrong with other issuers, which stops nothing. */
export type FederationLog = {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

const tellTrouble = (log: FederationLog, issuer: string, err: string): void =>
  log.warn({ issuer, err }, 'the keys of a trusted issuer can not be read')

/** Tokens of other issuers (`TRUSTED_ISSUERS`). */
export type Federation = {
  /** Whether a text says that it is a token of one of them. That proves nothing: it is judged by that one's rules. */
  readonly isForeign: (text: string) => boolean
  /** The token, if its signature was found good here before, by a key that is still its issuer's. */
  readonly findKnown: (text: string) => ForeignToken | undefined
  /** @throws Refusal `invalid_token`; `unavailable` where the issuer's keys can't be had */
  readonly verify: (text: string) => Promise<ForeignToken>
  /**
   * Whatever may be otherwise at each request: issuer blocked, keys too old, expiry, audience, the user behind it.
   * A promise only where something must be read. What is blocked is not looked up, nor is its issuer asked.
   * @param beforeRead is called before the database is asked for the user, and refuses by throwing
   * @throws Refusal
   */
  readonly judge: (token: ForeignToken, beforeRead?: () => void) => ForeignCaller | Promise<ForeignCaller>
  /** What of the database is kept in memory and is read again by the next request. */
  readonly onReread: RereadCalls
  readonly healthOf: (issuer: string) => IssuerHealth | undefined
  readonly tell: (log: FederationLog) => void
  readonly warnings: readonly string[]
  /** Begins to fetch the keys; waits for nobody. */
  readonly start: () => void
  readonly stop: () => void
}

type Dependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly issuers: readonly TrustedIssuer[]
  readonly resolve?: Resolve
}

/** One subject has one token at a time as a rule; a machine with many parts has one for each. */
const bounds = { ...usualBounds, ofSession: 64 }

/** @throws Error that says what to write, for a permission that there is not or that the entry may not give */
export const checkMappings = (
  issuers: readonly TrustedIssuer[],
  { permissions }: Pick<RoleTable, 'permissions'>,
): void => {
  for (const entry of issuers) {
    const { issuer, givesAdministrativePermissions } = entry
    const ours = permissionsGivenBy(entry)
    const unknown = ours.find(name => !permissions.has(name))
    if (unknown !== undefined)
      throw new Error(
        `TRUSTED_ISSUERS: ${issuer}: there is no permission ${unknown}: write one of ${[...permissions.keys()].join(', ')}`,
      )
    const forbidden = givesAdministrativePermissions
      ? undefined
      : ours.find(name => administrativePermissions.has(name))
    if (forbidden !== undefined)
      throw new Error(
        `TRUSTED_ISSUERS: ${issuer}: ${forbidden} makes administrators: leave it out, or write "gives_administrative_permissions": true`,
      )
  }
}

/** Ours, for those that a token names. Names that are known here only were checked at the start. */
const toOurs = ({ permissions: sources }: TrustedIssuer, token: ForeignToken): readonly Permission[] => {
  const ours = sources.flatMap(({ permissions }, at) =>
    (token.permissions[at] ?? []).flatMap(name =>
      Object.hasOwn(permissions, name) ? (permissions[name] ?? []) : [],
    ),
  )
  return [...new Set(ours)] as Permission[]
}

type Trusted = { readonly issuer: TrustedIssuer; readonly keys: IssuerKeys }

const refuseBlocked = ({ foreignId }: ForeignToken): never => {
  throw new Refusal('invalid_token', {
    reason: 'foreign_issuer_blocked',
    session: { userId: foreignId, sessionId: foreignId },
  })
}

const getCaller = ({ issuer }: Trusted, token: ForeignToken, user: LinkedUser | undefined): ForeignCaller => {
  if (issuer.localUser === 'required' && user === undefined)
    throw new Refusal('invalid_token', {
      reason: 'foreign_not_linked',
      session: { userId: token.foreignId, sessionId: token.foreignId },
    })
  return { token, permissions: toOurs(issuer, token), user }
}

export const createFederation = ({ db, clock, issuers, resolve = resolveName }: Dependencies): Federation => {
  const stopped = new AbortController()
  const verified = createVerifiedTokens<ForeignToken>(bounds)
  const blocked = createBlockedIssuers(db)
  const linked = createLinkedUsers(db, clock)
  let log: FederationLog = { warn: () => {} }

  const toTrusted = (issuer: TrustedIssuer): Trusted => ({
    issuer,
    keys: createIssuerKeys({
      clock,
      read: () => readIssuerKeys(issuer, { resolve, signal: stopped.signal }),
      onTrouble: message => tellTrouble(log, issuer.issuer, message),
    }),
  })
  const trusted = new Map(issuers.map(issuer => [issuer.issuer, toTrusted(issuer)]))
  const get = (name: string): Trusted => {
    const found = trusted.get(name)
    if (found === undefined) throw new Refusal('invalid_token', { reason: 'foreign_issuer' })
    return found
  }

  const judgeUsable = (from: Trusted, token: ForeignToken, beforeRead?: () => void) => {
    checkForeignToken(token, from.issuer, clock.now())
    if (from.keys.find(token.key.kid) !== token.key)
      throw new Refusal('invalid_token', { reason: 'foreign_key' })
    const user = from.issuer.localUser === 'required' ? linked.find(token, beforeRead) : undefined
    return user instanceof Promise
      ? user.then(found => getCaller(from, token, found))
      : getCaller(from, token, user)
  }

  const judgeUnblocked = (token: ForeignToken, beforeRead?: () => void) => {
    const from = get(token.issuer)
    const waiting = from.keys.ensureUsable()
    return waiting === undefined
      ? judgeUsable(from, token, beforeRead)
      : waiting.then(() => judgeUsable(from, token, beforeRead))
  }

  /** Without a promise where all of it is known. */
  const judge: Federation['judge'] = (token, beforeRead) => {
    const isBlocked = blocked.has(token.issuer)
    const decide = (is: boolean) => (is ? refuseBlocked(token) : judgeUnblocked(token, beforeRead))
    return isBlocked instanceof Promise ? isBlocked.then(decide) : decide(isBlocked)
  }

  const verify = async (text: string): Promise<ForeignToken> => {
    const { issuer, keys } = get(peekIssuer(text) ?? '')
    if (await blocked.has(issuer.issuer))
      throw new Refusal('invalid_token', { reason: 'foreign_issuer_blocked' })
    await keys.ensureUsable()
    const token = await verifyForeignToken(text, { issuer, findKey: keys.findAnew, now: clock.now })
    verified.remember(text, token, clock.now())
    return token
  }

  return {
    isForeign: text => {
      if (trusted.size === 0) return false
      const issuer = peekIssuer(text)
      return issuer !== undefined && trusted.has(issuer)
    },
    findKnown: text => {
      const token = trusted.size === 0 ? undefined : verified.find(text)
      const isKnown = token !== undefined && get(token.issuer).keys.find(token.key.kid) === token.key
      return isKnown ? token : undefined
    },
    verify,
    judge,
    onReread: {
      'reread-user': linked.forget,
      'reread-issuers': () => {
        blocked.forget()
        linked.forget()
      },
    },
    healthOf: issuer => trusted.get(issuer)?.keys.health(),
    tell: told => {
      log = told
      // They are asked for before there is a log to tell it to.
      for (const [issuer, { keys }] of trusted) {
        const { trouble } = keys.health()
        if (trouble !== undefined) tellTrouble(log, issuer, trouble)
      }
    },
    warnings: warningsOfIssuers(issuers),
    start: () => {
      for (const { keys } of trusted.values()) keys.start()
    },
    stop: () => stopped.abort(),
  }
}

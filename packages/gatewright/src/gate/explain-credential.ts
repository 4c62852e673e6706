import { tellEvents } from '../administration/tell-events.ts'
import { selectEvents, toRecorded } from '../audit/read-events.ts'
import { toTimestamp } from '../ground/clock.ts'
import { Refusal, type RefusalCode } from '../ground/refusal.ts'
import { findCookieSession, toRevocable } from '../sessions/find-session.ts'
import { findCookieFault } from '../sign-in/cookie-session.ts'
import type { Database } from '../storage/tables.ts'
import { parseApiKey } from '../tokens/api-key.ts'
import { parseSessionSecret } from '../tokens/session-secret.ts'
import { judgeShownKey } from './api-key-caller.ts'
import type { Credential } from './credential.ts'
import { toClientPrincipal } from './foreign-caller.ts'
import { ensureCurrent, type GateDependencies, refuseEnded } from './gate.ts'
import { type Principal, toUserPrincipal } from './principal.ts'

/** Why it is good for nothing: what its holder is told, and the exact reason, which is for administrators. */
export type CredentialFault = { readonly code: RefusalCode; readonly reason: string | null }

/** Whose it is, where its text is proven ours; and how its session or key has ended, as far as that is known. */
export type Ownership = {
  readonly userId: string
  readonly sessionId: string | null
  readonly keyId: string | null
  readonly endedAt: number | null
  readonly endReason: string | null
  /** What ended a session, who did it, when and by which request, in a sentence. */
  readonly endStory: string | null
  /** Who has issued it, and to whom, where that was not this server; the signature was good. */
  readonly foreign: Foreign | null
}

/** A credential that somebody pasted, as the gate would judge it. Its text is kept nowhere. */
export type JudgedCredential = {
  readonly kind: (typeof rows)[number]['kind']
  readonly principal: Principal | undefined
  readonly fault: CredentialFault | undefined
  readonly owner: Ownership | undefined
}

type Foreign = { readonly issuer: string; readonly subject: string }
type Owner = {
  readonly userId: string
  readonly sessionId?: string
  readonly keyId?: string
  readonly foreign?: Foreign
}

/** What was pasted, and where it is shown from: only an API key may ask that. */
type Pasted = { readonly text: string; readonly address: string | undefined }

/** Throws what the gate would; says before whose it is, as soon as that is known. */
type Judge = (gate: GateDependencies, pasted: Pasted, isOf: (owner: Owner) => void) => Promise<Principal>

/** Whoever holds a token of another issuer is nobody here, unless that issuer speaks for a user. */
const judgeForeign: Judge = async (gate, { text }, isOf) => {
  const token = await gate.federation.verify(text)
  // Before it is judged: who is not linked is told by name, so that they can be linked.
  isOf({ userId: token.foreignId, foreign: token })
  const caller = await gate.federation.judge(token)
  if (caller.user !== undefined) isOf({ userId: caller.user.userId, foreign: token })
  return { ...toClientPrincipal(gate, caller), roles: caller.user?.roles ?? [] }
}

const judgeToken: Judge = async (gate, pasted, isOf) => {
  const { text } = pasted
  if (gate.federation.isForeign(text)) return judgeForeign(gate, pasted, isOf)
  const token = await gate.accessTokens.verify(text)
  // Not the token itself: its `keyId` is that of a signing key.
  isOf({ userId: token.userId, sessionId: token.sessionId })
  await ensureCurrent(gate)
  refuseEnded(gate, token, gate.clock.now())
  const roles = (await gate.revocations.findRereadRoles(token.userId)) ?? token.roles
  return toUserPrincipal(gate, token, roles)
}

const judgeCookie: Judge = async (gate, { text }, isOf) => {
  const secret = parseSessionSecret(text)
  if (secret === undefined) throw new Refusal('invalid_token', { reason: 'cookie_form' })
  await ensureCurrent(gate)
  const found = await findCookieSession(gate.db, secret)
  if (found === undefined) throw new Refusal('invalid_token', { reason: 'cookie_unknown' })
  const { session, roles } = found
  isOf({ userId: session.user_id, sessionId: session.id })
  const fault = findCookieFault(gate, found)
  if (fault !== undefined)
    throw new Refusal(fault.code, { ...(fault.reason !== undefined && { reason: fault.reason }) })
  if (gate.revocations.isEnded(toRevocable(session)))
    throw new Refusal('session_ended', { reason: 'cut_off' })
  const { id: sessionId, user_id: userId, auth_time: authTime, amr } = session
  return toUserPrincipal(gate, { userId, sessionId, authTime, amr: amr.split(' ') }, roles)
}

const judgeKey: Judge = async (gate, { text, address }, isOf) => {
  const shown = parseApiKey(text)
  if (shown === undefined) throw new Refusal('invalid_token', { reason: 'key_form' })
  await ensureCurrent(gate)
  return judgeShownKey(gate, { shown, address }, isOf)
}

/** What is no credential of a request, and a mistake that people make. */
const refuse =
  (reason: string): Judge =>
  async () => {
    throw new Refusal('invalid_token', { reason })
  }

/** What a text is, by how it begins, and where it would stand in a request. */
const rows = [
  { kind: 'refresh-token', begins: 'gwr_', place: 'bearer', judge: refuse('refresh_token') },
  { kind: 'session-cookie', begins: 'gws_', place: 'cookie', judge: judgeCookie },
  { kind: 'api-key', begins: 'gwk_', place: 'api-key', judge: judgeKey },
  { kind: 'access-token', begins: '', place: 'bearer', judge: judgeToken },
] as const satisfies readonly {
  readonly kind: string
  readonly begins: string
  readonly place: Credential['kind']
  readonly judge: Judge
}[]

const rowOf = (text: string) => rows.find(({ begins }) => text.startsWith(begins)) ?? rows[3]

/** The credential that a pasted text would be in a request. */
export const toCredential = (text: string): Credential => ({ kind: rowOf(text).place, text })

/** Sessions and keys end alike, in tables of their own. */
const findEnd = (db: Database, { sessionId, keyId }: Owner) => {
  const [table, id] =
    keyId === undefined ? (['sessions', sessionId] as const) : (['api_keys', keyId] as const)
  return db
    .selectFrom(table)
    .select(['ended_at', 'end_reason'])
    .where('id', '=', id ?? '')
    .executeTakeFirst()
}

/** From where it came is for whoever may read the audit record. */
const findEndStory = async (db: Database, { sessionId }: Owner): Promise<string | null> => {
  if (sessionId === undefined) return null
  const row = await selectEvents(db)
    .where('audit_events.session_id', '=', sessionId)
    .where('audit_events.event', '=', 'session.ended')
    .orderBy('audit_events.id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return null
  const event = { ...toRecorded(row), address: null }
  const [text] = await tellEvents(db, [event])
  const request = event.requestId === null ? '' : ` (request ${event.requestId})`
  return `${toTimestamp(event.at)}${request}: ${text}`
}

const findOwnership = async (db: Database, owner: Owner): Promise<Ownership> => {
  const end = await findEnd(db, owner)
  return {
    userId: owner.userId,
    sessionId: owner.sessionId ?? null,
    keyId: owner.keyId ?? null,
    endedAt: end?.ended_at ?? null,
    endReason: end?.end_reason ?? null,
    endStory: end?.ended_at == null ? null : await findEndStory(db, owner),
    foreign: owner.foreign ?? null,
  }
}

/** What can not be judged now must not look like a credential that is bad. */
const toFault = (error: unknown): Refusal => {
  if (error instanceof Refusal && error.code !== 'unavailable') return error
  throw error
}

/**
 * Judges a credential as the gate would, by the same functions, and changes nothing: it counts as no use of the
 * session, takes from no limit, and ends nothing that is over by the clock.
 * @throws Refusal `unavailable` where nobody can say at the moment
 */
export const judgeCredential = async (gate: GateDependencies, pasted: Pasted): Promise<JudgedCredential> => {
  const { kind, judge } = rowOf(pasted.text)
  let owner: Owner | undefined
  const isOf = (known: Owner): void => {
    owner = known
  }
  try {
    const principal = await judge(gate, pasted, isOf)
    return { kind, principal, fault: undefined, owner: owner && (await findOwnership(gate.db, owner)) }
  } catch (error) {
    const { code, details } = toFault(error)
    owner ??= details.session
    const fault = { code, reason: details.reason ?? null }
    return { kind, principal: undefined, fault, owner: owner && (await findOwnership(gate.db, owner)) }
  }
}

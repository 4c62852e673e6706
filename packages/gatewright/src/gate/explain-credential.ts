import { Refusal, type RefusalCode } from '../ground/refusal.ts'
import { findCookieSession, toRevocable } from '../sessions/find-session.ts'
import { findCookieFault } from '../sign-in/cookie-session.ts'
import type { Database } from '../storage/tables.ts'
import { parseSessionSecret } from '../tokens/session-secret.ts'
import type { Credential } from './credential.ts'
import { toClientPrincipal } from './foreign-caller.ts'
import { type GateDependencies, refuseEnded } from './gate.ts'
import { type Principal, toUserPrincipal } from './principal.ts'

/** Why it is good for nothing: what its holder is told, and the exact reason, which is for administrators. */
export type CredentialFault = { readonly code: RefusalCode; readonly reason: string | null }

/** Whose it is, where its text is proven ours; and the session behind it, as far as it is still known. */
export type Ownership = {
  readonly userId: string
  readonly sessionId: string | null
  readonly endedAt: number | null
  readonly endReason: string | null
}

/** A credential that somebody pasted, as the gate would judge it. Its text is kept nowhere. */
export type JudgedCredential = {
  readonly kind: (typeof rows)[number]['kind']
  readonly principal: Principal | undefined
  readonly fault: CredentialFault | undefined
  readonly owner: Ownership | undefined
}

type Owner = { readonly userId: string; readonly sessionId: string }

/** Throws what the gate would; says before whose it is, as soon as that is known. */
type Judge = (gate: GateDependencies, text: string, isOf: (owner: Owner) => void) => Promise<Principal>

/** Whoever holds a token of another issuer is nobody here, unless that issuer speaks for a user. */
const judgeForeign: Judge = async (gate, text, isOf) => {
  const caller = await gate.federation.judge(await gate.federation.verify(text))
  if (caller.user !== undefined) isOf({ userId: caller.user.userId, sessionId: '' })
  return toClientPrincipal(gate, caller)
}

const judgeToken: Judge = async (gate, text, isOf) => {
  if (gate.federation.isForeign(text)) return judgeForeign(gate, text, isOf)
  const token = await gate.accessTokens.verify(text)
  isOf(token)
  await gate.revocations.ensureFresh()
  refuseEnded(gate, token, gate.clock.now())
  const roles = (await gate.revocations.findRereadRoles(token.userId)) ?? token.roles
  return toUserPrincipal(gate, token, roles)
}

const judgeCookie: Judge = async (gate, text, isOf) => {
  const secret = parseSessionSecret(text)
  if (secret === undefined) throw new Refusal('invalid_token', { reason: 'cookie_form' })
  await gate.revocations.ensureFresh()
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
  { kind: 'api-key', begins: 'gwk_', place: 'api-key', judge: refuse('unknown_api-key') },
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

const findOwnership = async (db: Database, { userId, sessionId }: Owner): Promise<Ownership> => {
  const session = await db
    .selectFrom('sessions')
    .select(['ended_at', 'end_reason'])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  return {
    userId,
    sessionId: sessionId === '' ? null : sessionId,
    endedAt: session?.ended_at ?? null,
    endReason: session?.end_reason ?? null,
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
export const judgeCredential = async (gate: GateDependencies, text: string): Promise<JudgedCredential> => {
  const { kind, judge } = rowOf(text)
  let owner: Owner | undefined
  const isOf = (known: Owner): void => {
    owner = known
  }
  try {
    const principal = await judge(gate, text, isOf)
    return { kind, principal, fault: undefined, owner: owner && (await findOwnership(gate.db, owner)) }
  } catch (error) {
    const { code, details } = toFault(error)
    owner ??= details.session
    const fault = { code, reason: details.reason ?? null }
    return { kind, principal: undefined, fault, owner: owner && (await findOwnership(gate.db, owner)) }
  }
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import type { Origin } from '../audit/record.ts'
import { checkFurtherRule } from '../gate/check-access.ts'
import { runSteps, turnSteps } from '../gate/gate.ts'
import { limitKeysOf } from '../gate/passage.ts'
import type { Principal } from '../gate/principal.ts'
import { addressGroup } from '../ground/address.ts'
import type { BoundedQueue, QueueCaller } from '../ground/bounded-queue.ts'
import type { IsGone } from '../ground/caller-gone.ts'
import type { LimitName } from '../limits/table.ts'
import type { AccessRule } from '../permissions/access-rule.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { type Locale, pickLocale } from '../users/locale.ts'
import { takeFurther } from './answer-refusal.ts'

/** Where a request comes from, for the audit log. */
export const originOf = ({ passage, principal, id }: FastifyRequest): Origin => ({
  actor: principal?.userId ?? null,
  apiKeyId: principal?.keyId ?? null,
  address: passage?.address ?? null,
  requestId: id,
})

/** The principal of a route that is not public. The gate has let nobody else through. */
export const principalOf = ({ principal }: FastifyRequest): Principal => {
  if (principal === undefined) throw new TypeError('this route is public: it may have no principal')
  return principal
}

export const isGoneOf =
  ({ raw: { socket } }: FastifyRequest): IsGone =>
  () =>
    socket.readableEnded || socket.destroyed

/** The principal as a change must know it again when its turn comes. */
export const callerOf = (request: FastifyRequest): Caller => {
  const { userId, sessionId } = principalOf(request)
  return { userId, sessionId, isGone: isGoneOf(request) }
}

/** What the caller says it is, bounded: shown in the list of devices, never trusted. */
export const deviceOf = ({ headers }: FastifyRequest): string => (headers['user-agent'] ?? '').slice(0, 300)

/** The language that the browser asks for first, of those that mail is written in. */
export const localeOf = ({ raw }: Pick<FastifyRequest, 'raw'>): Locale =>
  pickLocale(new Negotiator(raw).languages())

/**
 * Holds the caller to a further rule, where only a part of the input asks for it. Throws as the gate does. A
 * route that asks for a recent sign-in by this declares it: `gate: { …, furtherAccess: recentSignIn() }`.
 */
export const requireAccess = ({ server, principal, passage }: FastifyRequest, rule: AccessRule): void => {
  checkFurtherRule(server.gatewright, rule, {
    principal,
    isFactorDue: passage?.isFactorDue,
    rolesBehind: passage?.rolesBehind,
  })
}

/**
 * Takes from a further limit, where only a part of the input asks for it: by who is let in, or by the address of a
 * caller that shows no credential.
 * @throws Refusal `rate_limited`
 */
export const requireLimit = (
  request: FastifyRequest,
  reply: FastifyReply,
  limit: LimitName,
): Promise<void> => {
  const { passage, principal } = request
  const keys = principal === undefined ? { anonymous: passage?.address } : limitKeysOf(principal)
  return takeFurther(request.server.gatewright, { passage, reply }, keys, limit)
}

/**
 * Aborted when the connection is closed before the answer. Not Fastify's own: that one ends when a body has
 * been read, too.
 */
export const goneSignal = ({ raw }: FastifyReply): AbortSignal => {
  const gone = new AbortController()
  if (raw.destroyed) gone.abort()
  else raw.once('close', () => raw.writableFinished || gone.abort())
  return gone.signal
}

const queueCallerOf = ({ passage, principal }: FastifyRequest, reply: FastifyReply): QueueCaller => ({
  group:
    principal === undefined ? `address ${addressGroup(passage?.address ?? '')}` : `user ${principal.userId}`,
  isKnown: principal !== undefined,
  gone: goneSignal(reply),
})

/** A wait may be long: whoever was signed out or disabled meanwhile gets no answer, and no old permission. */
const judgeAgain = async (request: FastifyRequest): Promise<void> => {
  const { passage, server } = request
  if (passage === undefined) throw new TypeError('a handler runs behind the gate')
  passage.hasWaited = true
  await runSteps(server.gate, turnSteps, passage)
  request.principal = passage.principal
}

/**
 * Runs the job when the caller's turn in the queue has come, and judges the caller again right before: the
 * job reads `request.principal` as it is then. Places are counted by user, or by address group without one.
 * A caller who closes the connection leaves the queue.
 * @throws Refusal as the queue does and as the gate does
 *
 *     const page = await runInTurn(searches, { request, reply }, () => search(request.principal?.userId))
 */
export const runInTurn = <T>(
  queue: BoundedQueue,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  job: () => Promise<T>,
): Promise<T> =>
  queue.run(
    async () => {
      await judgeAgain(request)
      return job()
    },
    queueCallerOf(request, reply),
  )

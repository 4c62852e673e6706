import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Engine } from '../compose.ts'
import { canonicalJson } from '../ground/canonical-json.ts'
import { sha256 } from '../ground/encoding.ts'
import type { Refusal } from '../ground/refusal.ts'
import { type Answer, type Attempt, once } from '../idempotency/once.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { principalOf } from './request.ts'

/**
 * The schema of the headers of a route that takes `Idempotency-Key`: 1 to 255 visible ASCII characters. Sent
 * twice it is joined with a space, which is none of them.
 */
export const idempotencyKey = {
  type: 'object',
  properties: { 'idempotency-key': { type: 'string', pattern: '^[!-~]{1,255}$' } },
} as const

/** Everything that a request asks for, but for who asks: another body, id or query is another request. */
const hashOf = ({ params, query, body }: FastifyRequest): string =>
  sha256(canonicalJson([params ?? null, query ?? null, body ?? null]))

const isDeclared = ({ routeOptions }: FastifyRequest): boolean => {
  const declared = routeOptions.schema?.headers as Partial<typeof idempotencyKey> | undefined
  return declared?.properties?.['idempotency-key'] === idempotencyKey.properties['idempotency-key']
}

const findAttempt = (request: FastifyRequest): Attempt | undefined => {
  const { headers, method, routeOptions } = request
  if (!isDeclared(request))
    throw new TypeError(`${method} ${routeOptions.url} must say in its schema: headers: idempotencyKey`)
  const key = headers['idempotency-key']
  if (typeof key !== 'string') return undefined
  const { kind: principalKind, userId, keyId } = principalOf(request)
  const route = `${method} ${routeOptions.url}`
  const principalId = keyId ?? userId
  return { principalKind, principalId, userId, route, key, requestHash: hashOf(request) }
}

/**
 * Answers with what `effect` makes in one transaction, and once only where the request carries a key: see
 * `idempotency/once.ts`. A stored answer says so in `Idempotency-Replayed`. Not for answers that hold a
 * secret, which would be stored.
 *
 * Of all runs of `effect` one is committed, but for one request it may be run up to four times: what two
 * transactions could not do beside each other is undone and run again. So in `effect` itself only `work.db`
 * is written. A mail, a charge, a call of another server goes into `work.afterCommit(() => …)`, which is run
 * once, after the commit, and not for a replay; what must not be lost where the process ends in between is
 * a row, written in `effect` and worked off by a job.
 *
 *     app.post('/orders', { schema: { headers: idempotencyKey, … }, config }, (request, reply) =>
 *       answerOnce(gatewright, { request, reply }, async work => {
 *         const order = await addOrder(work, request.body)
 *         return { status: 201, headers: { location: `/orders/${order.id}` }, body: order }
 *       }))
 */
export const answerOnce = async <Body>(
  { db, clock }: Pick<Engine, 'db' | 'clock'>,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  effect: (work: Work) => Promise<Answer<Body> | Refusal>,
): Promise<Body> => {
  const attempt = findAttempt(request)
  const answer =
    attempt === undefined
      ? { ...(await inTransaction(db, effect)), isReplay: false }
      : await once({ db, clock }, attempt, effect)
  reply.code(answer.status).headers(answer.headers)
  if (answer.isReplay) reply.header('idempotency-replayed', 'true')
  return answer.body
}

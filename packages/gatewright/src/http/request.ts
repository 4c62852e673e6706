import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Origin } from '../audit/record.ts'
import { checkRule } from '../gate/gate.ts'
import type { Principal } from '../gate/principal.ts'
import type { LimitName } from '../limits/table.ts'
import type { AccessRule } from '../permissions/access-rule.ts'
import { takeFurther } from './answer-refusal.ts'

/** Where a request comes from, for the audit log. */
export const originOf = ({ passage, principal, id }: FastifyRequest): Origin => ({
  actor: principal?.userId ?? null,
  address: passage?.address ?? null,
  requestId: id,
})

/** The principal of a route that is not public. The gate has let nobody else through. */
export const principalOf = ({ principal }: FastifyRequest): Principal => {
  if (principal === undefined) throw new TypeError('this route is public: it may have no principal')
  return principal
}

/** What the caller says it is, bounded: shown in the list of devices, never trusted. */
export const deviceOf = ({ headers }: FastifyRequest): string => (headers['user-agent'] ?? '').slice(0, 300)

/** Holds the caller to a further rule, where only a part of the input asks for it. Throws as the gate does. */
export const requireAccess = (request: FastifyRequest, rule: AccessRule): void => {
  checkRule(request.server.gatewright, rule, { principal: request.principal })
}

/**
 * Takes from a further limit, where only a part of the input asks for it: by the caller's user, or by its
 * address if it shows no credential.
 * @throws Refusal `rate_limited`
 */
export const requireLimit = (request: FastifyRequest, reply: FastifyReply, limit: LimitName): void => {
  const { passage, principal } = request
  const anonymous = principal === undefined ? passage?.address : undefined
  const keys = { anonymous, user: principal?.userId }
  takeFurther(request.server.gatewright, { passage, reply }, keys, limit)
}

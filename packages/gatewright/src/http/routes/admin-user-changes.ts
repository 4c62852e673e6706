import type { FastifyInstance, FastifyRequest } from 'fastify'
import { deleteUser } from '../../administration/delete-user.ts'
import { endAllSessions } from '../../administration/end-user-sessions.ts'
import { forcePasswordChange } from '../../administration/force-password-change.ts'
import { resetFactors } from '../../administration/reset-factors.ts'
import { changeRoles, disableUser, enableUser } from '../../administration/users.ts'
import type { AuditEventName } from '../../audit/events.ts'
import type { Origin } from '../../audit/record.ts'
import type { Engine } from '../../compose.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import type { Caller } from '../../sessions/hold-session.ts'
import { getPerson } from '../../users/users.ts'
import { callerOf, originOf } from '../request.ts'
import { anyText, idParams, list, nothing, strictObject, text } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const access = allOf(permission('users:write'), recentSignIn())
/** Spaces say nothing. */
const withReason = strictObject({ reason: { ...text(1, 500), pattern: '\\S' } })
const noBody = { type: 'null' } as const

type Target = { readonly userId: string; readonly reason: string; readonly origin: Origin }

/** A change of one user that takes no more than a reason: `POST /admin/users/:id/<name>`, answered with 204. */
type Change = {
  readonly summary: string
  /** Why, in words, for the audit log. */
  readonly reason?: string
  readonly audit: readonly [AuditEventName, ...AuditEventName[]]
  readonly isGuarded?: true
  readonly run: (engine: Engine, target: Target, caller: Caller) => Promise<unknown>
}

const changes = {
  disable: {
    summary: 'Disable a user, with a reason: everything of the user ends',
    reason: 'left the company',
    audit: ['user.disabled', 'session.ended', 'api-key.ended'],
    isGuarded: true,
    run: disableUser,
  },
  enable: {
    summary: 'Enable a user again; what was ended stays ended',
    audit: ['user.enabled'],
    run: enableUser,
  },
  'end-sessions': {
    summary: 'End all sessions of a user, who signs in again; API keys go on',
    audit: ['session.ended'],
    run: endAllSessions,
  },
  'reset-password': {
    summary:
      'Ask for a new password of a user: every session ends, and the user chooses one by a link from a mail or, where no mail comes, right after the next sign-in',
    audit: ['user.password-change-forced', 'session.ended'],
    run: forcePasswordChange,
  },
  'reset-factors': {
    summary:
      'Remove all second factors of a user who has lost them, with a reason; the user is told by mail, and everything but API keys ends',
    reason: 'lost the telephone, came to the office with a passport',
    audit: ['second-factors.reset', 'session.ended'],
    run: resetFactors,
  },
} as const satisfies Readonly<Record<string, Change>>

/** A user by the path's id. A service is none here. @throws Refusal `not_found` */
const targetOf = async (engine: Engine, request: FastifyRequest, reason = ''): Promise<Target> => {
  const { id: userId } = request.params as { readonly id: string }
  await getPerson(engine.db, userId)
  return { userId, reason, origin: originOf(request) }
}

const changeRoute = (app: FastifyInstance, engine: Engine, name: string, change: Change): void => {
  const { summary, reason, audit, isGuarded, run } = change
  typed(app).post(
    `/admin/users/:id/${name}`,
    {
      config: {
        gate: { access, limit: 'write', audit },
        reference: {
          tag: 'Administration',
          summary,
          ...(isGuarded && { refusals: ['last_administrator'] }),
          example: { ...(reason !== undefined && { body: { reason } }) },
        },
      },
      schema: {
        params: idParams,
        body: reason === undefined ? noBody : withReason,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const target = await targetOf(engine, request, request.body?.reason)
      await run(engine, target, callerOf(request))
      return reply.code(204).send(null)
    },
  )
}

const rolesRoute = (app: FastifyInstance, engine: Engine): void => {
  const roles = { ...list(text(1, 64)), maxItems: 100, uniqueItems: true } as const
  typed(app).put(
    '/admin/users/:id/roles',
    {
      config: {
        gate: { access, limit: 'write', audit: ['user.roles-changed', 'session.ended'] },
        reference: {
          tag: 'Administration',
          summary: 'Give a user these roles in place of those held; live sessions have them at once',
          refusals: ['last_administrator'],
          example: { body: { roles: ['moderator', 'user'] }, answer: { roles: ['moderator', 'user'] } },
        },
      },
      schema: {
        params: idParams,
        body: strictObject({ roles }),
        response: { 200: strictObject({ roles: list(anyText) }) },
      },
    },
    async request => {
      const { userId, origin } = await targetOf(engine, request)
      const { roles: asked } = request.body
      await changeRoles(engine, { userId, roles: asked, origin }, callerOf(request))
      return { roles: [...(await getPerson(engine.db, userId)).roles] }
    },
  )
}

const deleteRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/admin/users/:id',
    {
      config: {
        gate: { access, limit: 'write', audit: ['user.deleted', 'session.ended', 'api-key.ended'] },
        reference: {
          tag: 'Administration',
          summary: 'Delete a user, for good',
          refusals: ['last_administrator'],
          example: {},
        },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      const { userId, origin } = await targetOf(engine, request)
      await deleteUser(engine, { userId, origin }, callerOf(request))
      return reply.code(204).send(null)
    },
  )
}

/**
 * What who administers users does to one: each asks for a recent sign-in, and nobody does it to a user who may do
 * more. Nobody sets, or sees, a password or a code of somebody else.
 */
export const adminUserChangeRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const [name, change] of Object.entries(changes)) changeRoute(app, engine, name, change)
  rolesRoute(app, engine)
  deleteRoute(app, engine)
}

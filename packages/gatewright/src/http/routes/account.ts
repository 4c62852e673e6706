import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { allOf, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import { permissionsOf } from '../../permissions/roles.ts'
import { changePassword } from '../../sign-in/own-password.ts'
import { parsePassword } from '../../users/password.ts'
import { getUser, type User } from '../../users/users.ts'
import { originOf, principalOf } from '../request.ts'
import { anyText, flag, list, password, strictObject, textOrNull, timestamp } from '../schemas.ts'
import { answerRenewed, renewedAnswer } from '../session-cookie.ts'
import { typed } from '../typed-app.ts'

/** A user's own view of the account. */
export const accountSchema = strictObject({
  id: anyText,
  username: anyText,
  email: textOrNull,
  email_verified: flag,
  roles: list(anyText),
  permissions: list(anyText),
  created_at: timestamp,
})

export const toAccount = (user: User) => ({
  id: user.id,
  username: user.username,
  email: user.email,
  email_verified: user.emailVerified,
  roles: [...user.roles],
  permissions: [...permissionsOf(user.roles)].sort(),
  created_at: toTimestamp(user.createdAt),
})

const protectedSchema = strictObject({
  user: strictObject({ id: anyText, username: anyText }),
  permissions: list(anyText),
  session_id: textOrNull,
})

export const accountRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/me',
    {
      config: { gate: { access: signedIn(), limit: 'read', audit: 'none' } },
      schema: { response: { 200: accountSchema } },
    },
    async request => toAccount(await getUser(engine.db, principalOf(request).userId)),
  )

  typed(app).get(
    '/protected',
    {
      config: {
        gate: { access: signedIn(), principals: ['user', 'api-key', 'client'], limit: 'read', audit: 'none' },
      },
      schema: { response: { 200: protectedSchema } },
    },
    async request => {
      const { userId, permissions, sessionId } = principalOf(request)
      const { id, username } = await getUser(engine.db, userId)
      return { user: { id, username }, permissions: [...permissions].sort(), session_id: sessionId }
    },
  )

  typed(app).put(
    '/me/password',
    {
      config: {
        gate: {
          access: allOf(signedIn(), recentSignIn()),
          limit: 'confirm-password',
          audit: ['user.password-changed', 'session.renewed', 'session.ended', 'sign-in.failed'],
        },
      },
      schema: {
        body: strictObject({ current_password: password, new_password: password }),
        response: { 200: renewedAnswer },
      },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request)
      const renewed = await changePassword(engine, {
        userId,
        sessionId,
        password: parsePassword(request.body.current_password, '/current_password'),
        newPassword: parsePassword(request.body.new_password, '/new_password'),
        origin: originOf(request),
      })
      return answerRenewed(engine, reply, renewed)
    },
  )
}

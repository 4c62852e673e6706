import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { completeSetup } from '../../sign-in/setup-link.ts'
import { goneSignal, localeOf, originOf } from '../request.ts'
import { email, password, passwordExample, strictObject, text, username } from '../schemas.ts'
import { typed } from '../typed-app.ts'
import { accountExample, accountSchema, toAccount } from './account.ts'

/** The first administrator: what the page of the set-up link posts to. */
export const setupRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/setup',
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          limit: 'anonymous-write',
          audit: ['administrator.set-up', 'password.taken-with-doubt'],
        },
        reference: {
          tag: 'Sign-in',
          summary: 'Make the first administrator with the set-up link that a start printed',
          refusals: ['invalid_link', 'username_taken', 'password_too_short', 'password_blocklisted'],
          example: {
            body: { token: 'the part of the link behind #', username: 'ada', password: passwordExample },
            answer: accountExample(engine, 'ada', ['admin']),
          },
        },
      },
      schema: {
        body: strictObject({ token: text(1, 200), username, password, email }, ['email']),
        response: { 201: accountSchema(app.userFields) },
      },
    },
    async (request, reply) => {
      const asked = { ...request.body, locale: localeOf(request) }
      const user = await completeSetup(engine, asked, originOf(request), goneSignal(reply))
      return reply.code(201).send(toAccount(engine, user, app.userFields))
    },
  )
}

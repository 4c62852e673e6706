import type { FastifyInstance } from 'fastify'
import Negotiator from 'negotiator'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { anyText, nothing, strictObject } from '../schemas.ts'
import { typed } from '../typed-app.ts'

/**
 * The bare address of a server: a browser is led to the console, or to the reference where no session cookie
 * is taken, and a program is told what is where. It is added after the application's routes: one that has its
 * own `/` keeps it.
 */
export const frontDoorRoute = (app: FastifyInstance, { publicUrl, places }: Engine): void => {
  if (app.hasRoute({ method: 'GET', url: '/' })) return
  const answer = {
    console: `${publicUrl}/console`,
    reference: `${publicUrl}/docs`,
    openapi: `${publicUrl}/openapi.json`,
  }
  // The console signs in with the cookie alone.
  const page = places.accepted.has('cookie') ? '/console' : '/docs'
  typed(app).get(
    '/',
    {
      config: {
        page: 'or JSON',
        gate: { access: everyone(), ignoresCookie: true, limit: 'read', audit: 'none' },
        reference: {
          tag: 'Reference',
          summary: 'What is where; a browser is led to the console',
          example: { answer },
        },
      },
      schema: {
        response: {
          200: strictObject({ console: anyText, reference: anyText, openapi: anyText }),
          302: nothing,
        },
      },
    },
    async ({ raw }, reply) =>
      new Negotiator(raw).mediaType(['application/json', 'text/html']) === 'text/html'
        ? reply.redirect(page)
        : answer,
  )
}

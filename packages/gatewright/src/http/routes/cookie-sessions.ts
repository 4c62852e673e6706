import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { Refusal } from '../../ground/refusal.ts'
import { everyone, signedIn } from '../../permissions/access-rule.ts'
import { listSessions } from '../../sessions/list-sessions.ts'
import { signIn } from '../../sign-in/sign-in.ts'
import { csrfTokenOf } from '../../tokens/session-secret.ts'
import type { UserFields } from '../../users/declared-fields.ts'
import { parsePassword } from '../../users/password.ts'
import { browserOf, giveDeviceCookie } from '../device-cookie.ts'
import { countedAsFailed } from '../failed-sign-ins.ts'
import { findReplaced } from '../replaced-session.ts'
import { deviceOf, goneSignal, originOf, principalOf } from '../request.ts'
import { anyText, password, passwordExample, strictObject, text } from '../schemas.ts'
import { csrfAnswer, csrfExample, giveSessionCookie } from '../session-cookie.ts'
import { typed } from '../typed-app.ts'
import { ownAccountExample, ownAccountSchema, readOwnAccount } from './account.ts'
import { sessionExample, sessionSchema, toSession } from './sessions.ts'

const currentSchema = (declared: UserFields) =>
  strictObject({ session: sessionSchema, user: ownAccountSchema(declared), csrf_token: anyText }, [
    'csrf_token',
  ])

/** Sign-in for browsers, whose session a cookie holds. */
export const cookieSessionRoutes = (app: FastifyInstance, engine: Engine): void => {
  const current = { session: sessionExample, user: ownAccountExample(engine, 'alice') }
  typed(app).post(
    '/sessions',
    {
      config: {
        gate: {
          access: everyone(),
          gives: 'cookie',
          ignoresCookie: true,
          knowsDevices: true,
          limit: 'sign-in',
          audit: [
            'session.started',
            'session.ended',
            'sign-in.failed',
            'second-factor.asked',
            'user.password-change-asked',
          ],
        },
        reference: {
          tag: 'Sessions',
          summary: 'Sign in with a session cookie, as browsers do',
          refusals: [
            'invalid_credentials',
            'mfa_required',
            'password_change_required',
            'session_renewed',
            'insufficient_permission',
          ],
          headers: ['Set-Cookie'],
          example: { body: { username: 'alice', password: passwordExample }, answer: csrfExample },
        },
      },
      schema: { body: strictObject({ username: text(1, 254), password }), response: { 201: csrfAnswer } },
    },
    async (request, reply) => {
      const replaces = await findReplaced(engine, request)
      const asked = {
        name: request.body.username,
        password: parsePassword(request.body.password, '/password'),
        device: deviceOf(request),
        origin: originOf(request),
        browser: browserOf(engine, request),
        gone: goneSignal(reply),
        holding: 'cookie',
        replaces,
      } as const
      const started = await countedAsFailed(engine, { request, reply }, onWrong =>
        signIn(engine, { ...asked, onWrong }),
      )
      const answer = giveSessionCookie(engine, reply, started)
      giveDeviceCookie(engine, reply, started)
      return reply.code(201).send(answer)
    },
  )

  typed(app).get(
    '/sessions/current',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Sessions',
          summary: 'This session and the own account; with a cookie, its CSRF token again',
          example: { answer: current, answerToCookie: { ...current, ...csrfExample } },
        },
      },
      schema: { response: { 200: currentSchema(app.userFields) } },
    },
    async request => {
      const caller = principalOf(request)
      const { userId, sessionId } = caller
      const cookie = request.passage?.cookie
      const [user, rows] = await Promise.all([
        readOwnAccount(engine, caller, app.userFields),
        listSessions(engine, userId),
      ])
      const row = rows.find(({ id }) => id === sessionId)
      if (row === undefined) throw new Refusal('session_ended')
      return {
        session: await toSession(row, sessionId),
        user,
        ...(cookie && { csrf_token: csrfTokenOf(cookie) }),
      }
    },
  )
}

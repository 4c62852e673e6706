import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { type Method, methods } from '../../sign-in/factors.ts'
import type { Started } from '../../sign-in/finish-sign-in.ts'
import { finishWithFactor } from '../../sign-in/second-half.ts'
import { browserOf, giveDeviceCookie } from '../device-cookie.ts'
import { countedAsFailed } from '../failed-sign-ins.ts'
import { findReplaced } from '../replaced-session.ts'
import { deviceOf, originOf } from '../request.ts'
import { madeUpPair, strictObject, text, tokenPair } from '../schemas.ts'
import { csrfAnswer, giveSessionCookie } from '../session-cookie.ts'
import { givePair } from '../token-pair.ts'
import { typed } from '../typed-app.ts'

/** A kind of second factor, in a body. */
const methodSchema = { type: 'string', enum: methods as readonly Method[] } as const
/** A code as it is typed: the longest is a recovery code with a blank after each character. */
const shownCode = text(1, 64)

/** The second half of a sign-in, whichever route it began with. */
export const secondHalfRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/login/mfa',
    {
      config: {
        gate: {
          access: everyone(),
          gives: 'either',
          ignoresCookie: true,
          knowsDevices: true,
          limit: 'codes',
          audit: ['session.started', 'session.ended', 'second-factor.failed', 'recovery-code.used'],
        },
        reference: {
          tag: 'Sign-in',
          summary: 'Show a second factor; answers as the route that gave the `mfa_token`',
          refusals: ['invalid_mfa_code', 'session_renewed'],
          example: {
            body: { mfa_token: 'what mfa_required gave', method: 'totp', code: '287082' },
            answer: madeUpPair,
          },
        },
      },
      schema: {
        body: strictObject({ mfa_token: text(1, 200), method: methodSchema, code: shownCode }, ['code']),
        response: { 200: tokenPair, 201: csrfAnswer },
      },
    },
    async (request, reply) => {
      const { mfa_token: mfaToken, method, code } = request.body
      const asked = {
        mfaToken,
        method: method as Method,
        code,
        device: deviceOf(request),
        origin: originOf(request),
        browser: browserOf(engine, request),
        replaces: await findReplaced(engine, request),
      }
      const finish = async (): Promise<Started> => {
        const started = await countedAsFailed(engine, { request, reply }, onWrong =>
          finishWithFactor(engine, { ...asked, onWrong }),
        )
        giveDeviceCookie(engine, reply, started)
        return started
      }
      const started = await finish()
      if (started.secret === undefined) return givePair(engine, async () => started)
      return reply.code(201).send(giveSessionCookie(engine, reply, started))
    },
  )
}

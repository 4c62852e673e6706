import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { factorOf, type Method, methods } from '../../sign-in/factors.ts'
import type { Started } from '../../sign-in/finish-sign-in.ts'
import { findDeviceOfHalf, finishWithFactor } from '../../sign-in/second-half.ts'
import { askForSecondPasskey } from '../../sign-in/second-passkey.ts'
import { browserOf, giveDeviceCookie } from '../device-cookie.ts'
import { countedAsFailed } from '../failed-sign-ins.ts'
import { assertionResponse, requestOptions, requestOptionsExample } from '../passkey-schemas.ts'
import { findReplaced } from '../replaced-session.ts'
import { deviceOf, originOf } from '../request.ts'
import { madeUpPair, strictObject, text, tokenPair } from '../schemas.ts'
import { csrfAnswer, giveSessionCookie } from '../session-cookie.ts'
import { givePair } from '../token-pair.ts'
import { typed } from '../typed-app.ts'

/** A kind of second factor, in a body. */
export const methodSchema = { type: 'string', enum: methods as readonly Method[] } as const
/** A code as it is typed: the longest is a recovery code with a blank after each character. */
export const shownCode = text(1, 64)
const mfaToken = text(1, 200)

/** What a passkey is asked with as a second half. */
const optionsRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/login/mfa/options',
    {
      config: {
        gate: { access: everyone(), ignoresCookie: true, limit: 'codes', audit: ['second-factor.failed'] },
        reference: {
          tag: 'Sign-in',
          summary: 'Options to show a passkey as the second factor',
          refusals: ['invalid_mfa_code', 'conflict'],
          example: {
            body: { mfa_token: 'what mfa_required gave' },
            answer: requestOptionsExample,
          },
        },
      },
      schema: { body: strictObject({ mfa_token: mfaToken }), response: { 200: requestOptions } },
    },
    request => askForSecondPasskey(engine, { mfaToken: request.body.mfa_token, origin: originOf(request) }),
  )
}

const answerRoute = (app: FastifyInstance, engine: Engine): void => {
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
          audit: [
            'session.started',
            'session.ended',
            'second-factor.failed',
            'recovery-code.used',
            'user.password-change-asked',
            'passkey.cloned',
          ],
        },
        reference: {
          tag: 'Sign-in',
          summary: 'Show a second factor; answers as the route that gave the `mfa_token`',
          refusals: ['invalid_mfa_code', 'password_change_required', 'session_renewed'],
          example: {
            body: { mfa_token: 'what mfa_required gave', method: 'totp', code: '287082' },
            answer: madeUpPair,
          },
        },
      },
      schema: {
        body: strictObject(
          { mfa_token: mfaToken, method: methodSchema, code: shownCode, response: assertionResponse },
          ['code', 'response'],
        ),
        response: { 200: tokenPair, 201: csrfAnswer },
      },
    },
    async (request, reply) => {
      const { mfa_token, method, code, response } = request.body
      const asked = {
        mfaToken: mfa_token,
        method: method as Method,
        code,
        response,
        device: deviceOf(request),
        origin: originOf(request),
        browser: browserOf(engine, request),
        replaces: await findReplaced(engine, request),
      }
      const finish = async (): Promise<Started> => {
        const found = await findDeviceOfHalf(engine, asked)
        const judge = (onWrong?: () => void) => finishWithFactor(engine, { ...asked, found, onWrong })
        // As at the first half: what strangers behind the same address do keeps no known device out, and no passkey.
        if (request.passage && found?.hasShownFactor) request.passage.knownDevice = found.known
        const isKey = factorOf(asked.method).isKey === true
        const started = isKey ? await judge() : await countedAsFailed(engine, { request, reply }, judge)
        giveDeviceCookie(engine, reply, started)
        return started
      }
      const started = await finish()
      if (started.secret === undefined) return givePair(engine, async () => started)
      return reply.code(201).send(giveSessionCookie(engine, reply, started))
    },
  )
}

/** The second half of a sign-in, whichever route it began with. */
export const secondHalfRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [optionsRoute, answerRoute]) add(app, engine)
}

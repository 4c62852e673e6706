import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { refuseToGive } from '../../gate/switched-off.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { askForPasskey, signInByPasskey } from '../../sign-in/passkey-sign-in.ts'
import { browserOf, giveDeviceCookie } from '../device-cookie.ts'
import {
  assertionExample,
  assertionResponse,
  requestOptions,
  requestOptionsExample,
} from '../passkey-schemas.ts'
import { findReplaced } from '../replaced-session.ts'
import { deviceOf, originOf } from '../request.ts'
import { madeUpPair, strictObject, tokenPair } from '../schemas.ts'
import { csrfAnswer, giveSessionCookie } from '../session-cookie.ts'
import { givePair } from '../token-pair.ts'
import { typed } from '../typed-app.ts'

const delivery = { enum: ['tokens', 'cookie'] } as const

/** Sign-in by passkey alone: nobody is named, so nothing is told of who has one. */
export const passkeySignInRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/login/passkey/options',
    {
      config: {
        gate: { access: everyone(), ignoresCookie: true, limit: 'passkey-sign-in', audit: 'none' },
        reference: {
          tag: 'Sign-in',
          summary: 'Options for a sign-in by passkey, the same for everybody but for their challenge',
          refusals: ['conflict'],
          example: { answer: requestOptionsExample },
        },
      },
      schema: { response: { 200: requestOptions } },
    },
    () => askForPasskey(engine),
  )

  typed(app).post(
    '/login/passkey',
    {
      config: {
        gate: {
          access: everyone(),
          gives: 'either',
          ignoresCookie: true,
          knowsDevices: true,
          limit: 'passkey-sign-in',
          audit: [
            'session.started',
            'session.ended',
            'sign-in.failed',
            'passkey.cloned',
            'user.password-change-asked',
          ],
        },
        reference: {
          tag: 'Sign-in',
          summary: 'Sign in with a passkey; `delivery` says whether with tokens or a session cookie',
          refusals: [
            'invalid_credentials',
            'password_change_required',
            'session_renewed',
            'conflict',
            'insufficient_permission',
          ],
          example: { body: { response: assertionExample, delivery: 'tokens' }, answer: madeUpPair },
        },
      },
      schema: {
        body: strictObject({ response: assertionResponse, delivery }, ['delivery']),
        response: { 200: { anyOf: [tokenPair, csrfAnswer] } },
      },
    },
    async (request, reply) => {
      const { response, delivery: holding = 'tokens' } = request.body
      refuseToGive(engine.places, holding === 'cookie' ? 'cookie' : 'bearer')
      const asked = {
        response,
        holding,
        device: deviceOf(request),
        origin: originOf(request),
        browser: browserOf(engine, request),
        ...(holding === 'cookie' && { replaces: await findReplaced(engine, request) }),
      }
      const start = () => signInByPasskey(engine, asked)
      if (holding === 'cookie') {
        const started = await start()
        const answer = giveSessionCookie(engine, reply, started)
        giveDeviceCookie(engine, reply, started)
        return answer
      }
      return givePair(engine, async () => {
        const started = await start()
        giveDeviceCookie(engine, reply, started)
        return started
      })
    },
  )
}

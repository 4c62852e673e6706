import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { Refusal } from '../../ground/refusal.ts'
import type { AssertionResponse } from '../../passkeys/responses.ts'
import { signedIn } from '../../permissions/access-rule.ts'
import type { LiveSession } from '../../sessions/sessions.ts'
import type { Method } from '../../sign-in/factors.ts'
import type { Confirmation } from '../../sign-in/own-password.ts'
import { listProofs, stepUpByFactor, stepUpByPassword } from '../../sign-in/step-up.ts'
import { askToStepUp } from '../../sign-in/step-up-passkey.ts'
import { parsePassword } from '../../users/password.ts'
import { assertionResponse, requestOptions } from '../passkey-schemas.ts'
import { goneSignal, originOf, principalOf } from '../request.ts'
import { anyText, list, madeUpPair, password, passwordExample, strictObject } from '../schemas.ts'
import { answerRenewed, csrfExample, renewedAnswer } from '../session-cookie.ts'
import { typed } from '../typed-app.ts'
import { methodSchema, shownCode } from './second-half.ts'

type Body = {
  readonly password?: string
  readonly method?: Method
  readonly code?: string
  readonly response?: AssertionResponse
}

const refuse = (path: string, message: string): Refusal =>
  new Refusal('validation_failed', { errors: [{ path, message }] })

type From = Omit<Confirmation, 'password'>

/** One proof, not two of which one would do. */
const proveBy = (
  engine: Engine,
  { password: shown, code, response, method = response && 'passkey' }: Body,
  { gone, ...place }: From,
): Promise<LiveSession> => {
  if (shown !== undefined && (method ?? code) === undefined)
    return stepUpByPassword(engine, { ...place, gone, password: parsePassword(shown, '/password') })
  if (shown !== undefined) throw refuse('/password', 'send the password, or a method and what it shows')
  if (method === undefined)
    throw refuse('/method', 'is missing: send the password, or a method and what it shows')
  return stepUpByFactor(engine, { ...place, method, code, response })
}

const optionsRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/step-up/options',
    {
      config: {
        gate: { access: signedIn(), limit: 'passkey-challenge', audit: 'none' },
        reference: {
          tag: 'Sign-in',
          summary: 'By what the user of this session can prove who it is: one of these is enough',
          example: { answer: { methods: ['password'] } },
        },
      },
      schema: {
        response: { 200: strictObject({ methods: list(anyText), passkey: requestOptions }, ['passkey']) },
      },
    },
    async request => {
      const caller = principalOf(request)
      const methods = [...(await listProofs(engine.db, caller.userId))]
      const passkey = await askToStepUp(engine, caller)
      return { methods, ...(passkey && { passkey }) }
    },
  )
}

const proofRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/step-up',
    {
      config: {
        gate: {
          access: signedIn(),
          limit: 'confirm-password',
          audit: [
            'session.renewed',
            'session.ended',
            'sign-in.failed',
            'second-factor.asked',
            'second-factor.failed',
            'recovery-code.used',
            'passkey.cloned',
          ],
        },
        reference: {
          tag: 'Sign-in',
          summary:
            'Prove once more who you are, by a second factor or, without one, by the password; the session goes on, fresh, under a new id',
          refusals: ['invalid_credentials', 'mfa_required', 'invalid_mfa_code'],
          example: { body: { password: passwordExample }, answer: madeUpPair, answerToCookie: csrfExample },
        },
      },
      schema: {
        body: strictObject({ password, method: methodSchema, code: shownCode, response: assertionResponse }, [
          'password',
          'method',
          'code',
          'response',
        ]),
        response: { 200: renewedAnswer },
      },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request)
      const from = { userId, sessionId, origin: originOf(request), gone: goneSignal(reply) }
      return answerRenewed(engine, reply, () => proveBy(engine, request.body as Body, from))
    },
  )
}

/** What asks a signed-in user once more who it is (RFC 9470). */
export const stepUpRoutes = (app: FastifyInstance, engine: Engine): void => {
  optionsRoute(app, engine)
  proofRoute(app, engine)
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Engine } from '../../compose.ts'
import { allOf, everyone, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import { setPasswordByToken } from '../../sign-in/due-password.ts'
import { askForEmail, forgetPassword, sendVerification } from '../../sign-in/own-email.ts'
import { proveAddress } from '../../sign-in/prove-address.ts'
import { type Denied, denyEvent, undoEmailChange } from '../../sign-in/undo-email.ts'
import { verifyEmail } from '../../sign-in/verify-email.ts'
import { parsePassword } from '../../users/password.ts'
import { browserOf, giveDeviceCookie } from '../device-cookie.ts'
import { goneSignal, originOf, principalOf } from '../request.ts'
import { anyText, email, nothing, password, passwordExample, strictObject, text } from '../schemas.ts'
import { typed } from '../typed-app.ts'

/** A second factor that is a code. */
const methodSchema = { enum: ['totp', 'recovery_code'] } as const
const shownCode = text(1, 64)
const token = text(1, 200)
const tokenExample = 'the part of the link behind #'
const tokenBody = strictObject({ token })

const shownLink = (request: FastifyRequest & { readonly body: { readonly token: string } }) => ({
  token: request.body.token,
  origin: originOf(request),
})

const changeRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/me/email',
    {
      config: {
        gate: {
          access: allOf(signedIn(), recentSignIn()),
          limit: 'mail',
          audit: ['user.email-change-asked'],
        },
        reference: {
          tag: 'Account',
          summary: 'Ask for another e-mail address: it counts once the link that is sent there is followed',
          example: { body: { email: 'alice@example.org' } },
        },
      },
      schema: { body: strictObject({ email }), response: { 202: nothing } },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request)
      await askForEmail(engine, { userId, sessionId, email: request.body.email, origin: originOf(request) })
      return reply.code(202).send(undefined as never)
    },
  )

  typed(app).post(
    '/me/email/verification',
    {
      config: {
        gate: { access: signedIn(), limit: 'mail', audit: 'none' },
        reference: {
          tag: 'Account',
          summary: 'Send the link once more that verifies the own address',
          example: {},
        },
      },
      schema: { response: { 202: nothing } },
    },
    async (request, reply) => {
      await sendVerification(engine, principalOf(request))
      return reply.code(202).send(undefined as never)
    },
  )
}

const verificationRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/email/verify',
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          limit: 'anonymous-write',
          audit: ['user.email-verified', 'user.email-changed', 'link.refused'],
        },
        reference: {
          tag: 'Account',
          summary: 'Verify an address with the link that was sent there',
          refusals: ['invalid_link'],
          example: { body: { token: tokenExample } },
        },
      },
      schema: { body: tokenBody, response: { 204: nothing } },
    },
    async (request, reply) => {
      await verifyEmail(engine, shownLink(request))
      return reply.code(204).send(null)
    },
  )
}

/** A token of a reset, for examples. */
export const madeUpResetToken = 'for POST …/password/reset'

const denied = strictObject({ reset_token: anyText }, ['reset_token'])
const toDenied = ({ resetToken }: Denied) => (resetToken === undefined ? {} : { reset_token: resetToken })

const denialRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/email/undo',
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          limit: 'anonymous-write',
          audit: ['user.email-change-undone', 'session.ended', 'link.refused'],
        },
        reference: {
          tag: 'Account',
          summary: 'Take a change of address back with the link at the former one; every session ends',
          refusals: ['invalid_link'],
          example: { body: { token: tokenExample }, answer: { reset_token: madeUpResetToken } },
        },
      },
      schema: { body: tokenBody, response: { 200: denied } },
    },
    async request => toDenied(await undoEmailChange(engine, shownLink(request))),
  )

  typed(app).post(
    '/email/not-me',
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          limit: 'anonymous-write',
          audit: ['user.denied', 'user.email-change-undone', 'session.ended', 'link.refused'],
        },
        reference: {
          tag: 'Account',
          summary: 'Say “that wasn’t me” with the link of a notice: every session ends',
          refusals: ['invalid_link'],
          example: { body: { token: tokenExample }, answer: { reset_token: madeUpResetToken } },
        },
      },
      schema: { body: tokenBody, response: { 200: denied } },
    },
    async request => toDenied(await denyEvent(engine, shownLink(request))),
  )
}

const passwordRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/password/forgot',
    {
      config: {
        gate: { access: everyone(), ignoresCookie: true, limit: 'mail', audit: 'none' },
        reference: {
          tag: 'Sign-in',
          summary: 'Ask for a link by which a new password is chosen; the answer is always the same',
          example: { body: { email: 'alice@example.org' } },
        },
      },
      schema: { body: strictObject({ email }), response: { 202: nothing } },
    },
    async (request, reply) => {
      await forgetPassword(engine, request.body)
      return reply.code(202).send(undefined as never)
    },
  )

  typed(app).post(
    '/password/reset',
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          limit: 'anonymous-write',
          audit: [
            'user.password-reset',
            'user.password-changed',
            'password.taken-with-doubt',
            'session.ended',
            'second-factor.failed',
            'recovery-code.used',
            'link.refused',
          ],
        },
        reference: {
          tag: 'Sign-in',
          summary:
            'Choose a new password with a link, or with the `password_token` of a sign-in at which one was due; every session ends, and nobody is signed in',
          refusals: [
            'invalid_link',
            'mfa_required',
            'invalid_mfa_code',
            'password_too_short',
            'password_blocklisted',
          ],
          example: { body: { token: tokenExample, new_password: passwordExample } },
        },
      },
      schema: {
        body: strictObject({ token, new_password: password, method: methodSchema, code: shownCode }, [
          'method',
          'code',
        ]),
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const newPassword = parsePassword(request.body.new_password, '/new_password')
      const { method, code } = request.body
      const reset = { ...shownLink(request), newPassword, method, code }
      await setPasswordByToken(engine, { ...reset, gone: goneSignal(reply) })
      return reply.code(204).send(null)
    },
  )
}

const proofRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/sign-in/prove',
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          knowsDevices: true,
          limit: 'anonymous-write',
          audit: ['known-device.proved', 'link.refused'],
        },
        reference: {
          tag: 'Sign-in',
          summary:
            'After many wrong passwords: let this browser try, with the link that was sent to the verified address',
          refusals: ['invalid_link'],
          example: { body: { token: tokenExample } },
        },
      },
      schema: { body: tokenBody, response: { 204: nothing } },
    },
    async (request, reply) => {
      const browser = browserOf(engine, request)
      giveDeviceCookie(engine, reply, await proveAddress(engine, { ...shownLink(request), browser }))
      return reply.code(204).send(null)
    },
  )
}

/** Addresses and forgotten passwords: what mail is asked for by, and what its links post to. */
export const emailRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [changeRoutes, verificationRoute, denialRoutes, passwordRoutes, proofRoute])
    add(app, engine)
}

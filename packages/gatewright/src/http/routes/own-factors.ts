import type { FastifyInstance } from 'fastify'
import { renderSVG } from 'uqr'
import type { Engine } from '../../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { allOf, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import { listOwnFactors } from '../../sign-in/list-factors.ts'
import { renewOwnRecoveryCodes } from '../../sign-in/own-factors.ts'
import { beginTotp, confirmTotp, removeTotp } from '../../sign-in/own-totp.ts'
import { answerChanged, changedAnswer, ownerOf, recoveryCodesExample } from '../changed-factors.ts'
import { principalOf } from '../request.ts'
import {
  anyText,
  flag,
  integer,
  list,
  madeUpPair,
  madeUpTotp,
  named,
  strictObject,
  text,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { answerRenewed, csrfExample, renewedAnswer } from '../session-cookie.ts'
import { typed } from '../typed-app.ts'

const freshly = allOf(signedIn(), recentSignIn())

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/me/factors',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Second factors',
          summary: 'The own second factors, without anything secret',
          example: {
            answer: {
              methods: ['totp', 'recovery_code'],
              totp: { created_at: '2026-11-21T12:00:00.000Z', last_used_at: '2026-11-21T12:00:00.000Z' },
              recovery_codes: { left: 10, created_at: '2026-11-21T12:00:00.000Z' },
              password_needs_factor: false,
            },
          },
        },
      },
      schema: {
        response: {
          200: named(
            'Factors',
            strictObject({
              methods: list(anyText),
              totp: {
                anyOf: [strictObject({ created_at: timestamp, last_used_at: timestamp }), { type: 'null' }],
              },
              recovery_codes: strictObject({ left: integer, created_at: textOrNull }),
              password_needs_factor: flag,
            }),
          ),
        },
      },
    },
    async request => {
      const { methods, totp, recoveryCodes, passwordNeedsFactor } = await listOwnFactors(
        engine.db,
        principalOf(request).userId,
      )
      return {
        methods: [...methods],
        totp: totp
          ? { created_at: toTimestamp(totp.created_at), last_used_at: toTimestamp(totp.last_used_at) }
          : null,
        recovery_codes: {
          left: recoveryCodes.left,
          created_at: toTimestampOrNull(recoveryCodes.createdAt),
        },
        password_needs_factor: passwordNeedsFactor,
      }
    },
  )
}

const beginRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/me/totp',
    {
      config: {
        gate: { access: freshly, limit: 'write', audit: 'none' },
        reference: {
          tag: 'Second factors',
          summary: 'Begin with an authenticator app: its secret, which is no factor before it is confirmed',
          refusals: ['conflict'],
          example: {
            answer: madeUpTotp,
          },
        },
      },
      schema: {
        response: { 200: strictObject({ secret: anyText, uri: anyText, qr_svg: anyText }) },
      },
    },
    async request => {
      const shown = await beginTotp(engine, ownerOf(request))
      return { ...shown, qr_svg: renderSVG(shown.uri, { ecc: 'M', border: 4 }) }
    },
  )
}

const confirmRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/me/totp/confirm',
    {
      config: {
        gate: {
          access: freshly,
          limit: 'confirm-password',
          audit: ['second-factor.added', 'second-factor.failed', 'session.renewed', 'session.ended'],
        },
        reference: {
          tag: 'Second factors',
          summary:
            'Show the first code of the app: a factor from now on. With the first factor come recovery codes, shown this once',
          refusals: ['invalid_mfa_code', 'conflict'],
          example: {
            body: { code: '287082' },
            answer: { ...madeUpPair, recovery_codes: recoveryCodesExample },
            answerToCookie: { ...csrfExample, recovery_codes: recoveryCodesExample },
          },
        },
      },
      schema: { body: strictObject({ code: text(1, 64) }), response: { 200: changedAnswer } },
    },
    (request, reply) =>
      answerChanged(engine, reply, () =>
        confirmTotp(engine, { ...ownerOf(request), code: request.body.code }),
      ),
  )
}

const removeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/me/totp',
    {
      config: {
        gate: {
          access: freshly,
          limit: 'write',
          audit: ['second-factor.removed', 'session.renewed', 'session.ended'],
        },
        reference: {
          tag: 'Second factors',
          summary: 'Remove the authenticator app; all other sessions end',
          refusals: ['not_found', 'password_too_short'],
          example: { answer: madeUpPair, answerToCookie: csrfExample },
        },
      },
      schema: { response: { 200: renewedAnswer } },
    },
    (request, reply) =>
      answerRenewed(engine, reply, async () => (await removeTotp(engine, ownerOf(request))).renewed),
  )
}

const recoveryCodesRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/me/recovery-codes',
    {
      config: {
        gate: {
          access: freshly,
          limit: 'write',
          audit: ['recovery-codes.renewed', 'session.renewed', 'session.ended'],
        },
        reference: {
          tag: 'Second factors',
          summary: 'A new set of recovery codes, shown this once; the former one is good for nothing',
          refusals: ['conflict'],
          example: {
            answer: { ...madeUpPair, recovery_codes: recoveryCodesExample },
            answerToCookie: { ...csrfExample, recovery_codes: recoveryCodesExample },
          },
        },
      },
      schema: { response: { 200: changedAnswer } },
    },
    (request, reply) => answerChanged(engine, reply, () => renewOwnRecoveryCodes(engine, ownerOf(request))),
  )
}

/** What a user does to the own second factors. */
export const ownFactorRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, beginRoute, confirmRoute, removeRoute, recoveryCodesRoute]) add(app, engine)
}

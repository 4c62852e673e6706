import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Engine } from '../../compose.ts'
import { findShownCookieSession } from '../../gate/cookie-caller.ts'
import { hashText } from '../../gate/known-secrets.ts'
import { admitUnknown } from '../../gate/unknown-credential.ts'
import { Refusal } from '../../ground/refusal.ts'
import { everyone } from '../../permissions/access-rule.ts'
import type { Caller } from '../../sessions/hold-session.ts'
import { acceptInvitation } from '../../sign-in/accept-invitation.ts'
import { refuseJustRenewed } from '../../sign-in/cookie-session.ts'
import { logOut } from '../../sign-in/end-sessions.ts'
import { getSessionOfRefreshToken, readRefreshToken } from '../../sign-in/made-by-us.ts'
import { refresh } from '../../sign-in/refresh.ts'
import { register } from '../../sign-in/register.ts'
import { signIn } from '../../sign-in/sign-in.ts'
import { isRefreshToken } from '../../tokens/refresh-token.ts'
import { newFieldsSchema } from '../../users/declared-fields.ts'
import { parsePassword } from '../../users/password.ts'
import { checkUserFieldValues } from '../../users/user-fields.ts'
import { takeFurther } from '../answer-refusal.ts'
import { browserOf, giveDeviceCookie } from '../device-cookie.ts'
import { countedAsFailed } from '../failed-sign-ins.ts'
import { deviceOf, goneSignal, isGoneOf, localeOf, originOf } from '../request.ts'
import {
  anyText,
  email,
  madeUpPair,
  orNothing,
  password,
  passwordExample,
  strictObject,
  text,
  tokenPair,
  username,
} from '../schemas.ts'
import { clearSessionCookie } from '../session-cookie.ts'
import { givePair } from '../token-pair.ts'
import { typed } from '../typed-app.ts'
import { accountExample, accountSchema, toAccount } from './account.ts'

const refreshTokenBody = orNothing(strictObject({ refresh_token: text(1, 1_024) }, ['refresh_token']))
const refreshTokenExample = { refresh_token: madeUpPair.refresh_token }
type RefreshTokenBody = { readonly refresh_token?: string } | null | undefined

/** The access token of a request whose route reads its own credential; undefined where there is none. */
const findBearer = ({ passage }: FastifyRequest): string | undefined =>
  passage?.credential?.kind === 'bearer' ? passage.credential.text : undefined

/** The refresh token of the body or, without one, of `Authorization: Bearer gwr_…`. */
const findRefreshToken = (request: FastifyRequest): string | undefined => {
  const shown = (request.body as RefreshTokenBody)?.refresh_token
  const bearer = findBearer(request)
  if (bearer === undefined || !isRefreshToken(bearer)) return shown
  if (shown !== undefined && shown !== bearer) throw new Refusal('several_credentials')
  return bearer
}

/** The address of an invitation is the one that it was sent to. */
const refuseOtherAddress = (address: string | undefined): void => {
  if (address === undefined) return
  const message = 'leave it out: the address of an invitation is the one that it was sent to'
  throw new Refusal('validation_failed', { errors: [{ path: '/email', message }] })
}

const registrationRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/register',
    {
      config: {
        gate: {
          access: everyone(),
          ignoresCookie: true,
          limit: 'registration',
          audit: ['user.registered', 'password.taken-with-doubt', 'link.refused'],
        },
        reference: {
          tag: 'Sign-in',
          summary: 'Register, also with the link of an invitation',
          refusals: [
            'invalid_link',
            'username_taken',
            'password_too_short',
            'password_blocklisted',
            'insufficient_permission',
          ],
          example: {
            body: { username: 'bob', password: passwordExample },
            answer: accountExample(engine, 'bob'),
          },
        },
      },
      schema: {
        body: strictObject(
          {
            username,
            password,
            email,
            fields: newFieldsSchema(app.userFields, 'self'),
            invitation: text(1, 200),
          },
          ['email', 'fields', 'invitation'],
        ),
        response: { 201: accountSchema(app.userFields) },
      },
    },
    async (request, reply) => {
      const fields = checkUserFieldValues(app.userFields, request.body.fields ?? {}, 'self')
      const { invitation, email: address, ...rest } = request.body
      const registration = { ...rest, fields, locale: localeOf(request) }
      const [origin, gone] = [originOf(request), goneSignal(reply)]
      if (invitation !== undefined) refuseOtherAddress(address)
      const user =
        invitation === undefined
          ? await register(engine, { ...registration, ...(address && { email: address }) }, origin, gone)
          : await acceptInvitation(engine, { ...registration, invitation }, origin, gone)
      return reply.code(201).send(toAccount(engine, user, app.userFields))
    },
  )
}

const loginRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/login',
    {
      config: {
        gate: {
          access: everyone(),
          gives: 'bearer',
          ignoresCookie: true,
          knowsDevices: true,
          limit: 'sign-in',
          audit: ['session.started', 'sign-in.failed', 'second-factor.asked', 'user.password-change-asked'],
        },
        reference: {
          tag: 'Sign-in',
          summary: 'Sign in',
          refusals: [
            'invalid_credentials',
            'mfa_required',
            'password_change_required',
            'insufficient_permission',
          ],
          example: { body: { username: 'alice', password: passwordExample }, answer: madeUpPair },
        },
      },
      schema: { body: strictObject({ username: text(1, 254), password }), response: { 200: tokenPair } },
    },
    async (request, reply) => {
      const credentials = {
        name: request.body.username,
        password: parsePassword(request.body.password, '/password'),
      }
      const from = {
        device: deviceOf(request),
        origin: originOf(request),
        browser: browserOf(engine, request),
        gone: goneSignal(reply),
      }
      return givePair(engine, async () => {
        const started = await countedAsFailed(engine, { request, reply }, onWrong =>
          signIn(engine, { ...credentials, ...from, onWrong }),
        )
        giveDeviceCookie(engine, reply, started)
        return started
      })
    },
  )
}

const refreshRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/refresh',
    {
      config: {
        gate: {
          access: everyone(),
          gives: 'bearer',
          readsOwnCredential: true,
          ignoresCookie: true,
          limit: 'refresh',
          audit: [
            'session.refreshed',
            'session.refresh-retried',
            'refresh-token.reused',
            'refresh-token.ahead',
            'session.ended',
          ],
        },
        reference: {
          tag: 'Sign-in',
          summary: 'Exchange a refresh token for a new pair',
          refusals: ['refresh_token_reused', 'session_renewed', 'insufficient_permission'],
          example: { body: refreshTokenExample, answer: madeUpPair },
        },
      },
      schema: { body: refreshTokenBody, response: { 200: tokenPair } },
    },
    async (request, reply) => {
      const token = findRefreshToken(request)
      if (token === undefined) throw new Refusal('invalid_token', { reason: 'no_credential' })
      const { passage } = request
      const countUse = (session: string) => takeFurther(engine, { passage, reply }, { session })
      if (passage !== undefined) admitUnknown(engine, passage, hashText(token))
      const [origin, isGone] = [originOf(request), isGoneOf(request)]
      return givePair(engine, () => refresh(engine, { text: token, origin, isGone, countUse }))
    },
  )
}

/**
 * Clients send the access token with every request: beside a refresh token, one that has expired or is
 * not ours does no harm. Alone, it is refused.
 */
const findShownByAccessToken = async (
  { accessTokens }: Engine,
  text: string,
  isBesideAnother: boolean,
): Promise<readonly Caller[]> => {
  try {
    return [await accessTokens.verify(text)]
  } catch (error) {
    if (isBesideAnother && error instanceof Refusal) return []
    throw error
  }
}

/** The session of the cookie, live or ended; one that was just renewed goes on, so it is not given up. */
const findShownByCookie = async (engine: Engine, { passage }: FastifyRequest): Promise<readonly Caller[]> => {
  if (passage?.cookie === undefined) return []
  const found = await findShownCookieSession(engine, passage, passage.cookie)
  if (found === undefined) return []
  refuseJustRenewed(engine, found.session)
  return [{ userId: found.session.user_id, sessionId: found.session.id }]
}

/** The sessions whose credentials the request shows; an ended one is shown as well as a live one. */
const findShownSessions = async (engine: Engine, request: FastifyRequest): Promise<readonly Caller[]> => {
  const refreshToken = findRefreshToken(request)
  const bearer = findBearer(request)
  const accessToken = bearer === undefined || isRefreshToken(bearer) ? undefined : bearer
  const shown: Caller[] = [...(await findShownByCookie(engine, request))]
  if (refreshToken !== undefined) {
    const session = await getSessionOfRefreshToken(engine, engine.db, readRefreshToken(refreshToken))
    shown.push({ userId: session.user_id, sessionId: session.id })
  }
  if (accessToken !== undefined)
    shown.push(...(await findShownByAccessToken(engine, accessToken, shown.length > 0)))
  if (shown.length === 0) throw new Refusal('invalid_token', { reason: 'no_credential' })
  return [...new Map(shown.map(session => [session.sessionId, session])).values()]
}

const logoutRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/logout',
    {
      config: {
        gate: { access: everyone(), readsOwnCredential: true, limit: 'logout', audit: ['session.ended'] },
        reference: {
          tag: 'Sign-in',
          summary: 'Sign out: the tokens shown are refused from now on',
          refusals: ['session_renewed'],
          example: { body: refreshTokenExample, answer: { message: 'You are signed out.' } },
        },
      },
      schema: { body: refreshTokenBody, response: { 200: strictObject({ message: anyText }) } },
    },
    async (request, reply) => {
      const { passage } = request
      const shown = await findShownSessions(engine, request)
      for (const { userId, sessionId } of shown)
        await logOut(engine, { userId, sessionId, origin: { ...originOf(request), actor: userId } })
      // Only now: one that could not be ended durably must be there to be ended again.
      if (passage?.cookie !== undefined || passage?.hasDeadCookie) clearSessionCookie(engine, reply)
      return { message: 'You are signed out.' }
    },
  )
}

export const signInRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [registrationRoute, loginRoute, refreshRoute, logoutRoute]) add(app, engine)
}

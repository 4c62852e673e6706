import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { changeRoles, disableUser, enableUser } from '../administration/users.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import type { Engine } from '../compose.ts'
import type { CredentialKind } from '../ground/credential-settings.ts'
import type { Holding } from '../sessions/sessions.ts'
import { logOut } from '../sign-in/end-sessions.ts'
import type { User } from '../users/users.ts'
import { type Held, hold, startTestSession } from './test-session.ts'
import { testPassword } from './test-user.ts'

/** How a client is signed in. */
export type SessionOptions<H extends Holding = Holding> = {
  /** `tokens` without a word; `cookie` as a browser. */
  readonly holding?: H
  /** The name of the device, as lists of sessions show it. */
  readonly device?: string
}

/** A user with a session, and the client that holds it. */
export type SignedIn<H extends Holding = 'tokens'> = Held[H] & {
  readonly user: Pick<User, 'id' | 'username'>
  /** Works at the real sign-in. */
  readonly password: string
  readonly sessionId: string
  /** Sends a request as this client, as `app.inject` does; headers of the request replace the client's. */
  readonly inject: (request: string | InjectOptions) => Promise<LightMyRequestResponse>
  /** The same user with one more session. @throws Refusal `invalid_credentials` for one who is disabled */
  readonly signInAgain: <Other extends Holding = 'tokens'>(
    options?: SessionOptions<Other>,
  ) => Promise<SignedIn<Other>>
  /** Ends this session. */
  readonly signOut: () => Promise<void>
  /** What an administrator does to the user. @throws Refusal `last_administrator` */
  readonly disable: () => Promise<void>
  readonly enable: () => Promise<void>
  /** The roles named replace those held. @throws Refusal `validation_failed`, `last_administrator` */
  readonly changeRoles: (roles: readonly string[]) => Promise<void>
}

const administer = (engine: Engine, userId: string) => ({
  disable: () => disableUser(engine, { userId, origin }),
  enable: () => enableUser(engine, { userId, origin }),
  changeRoles: (roles: readonly string[]) => changeRoles(engine, { userId, roles, origin }),
})

const credentialOf = { tokens: 'bearer', cookie: 'cookie' } as const satisfies Record<Holding, CredentialKind>

const checkAccepted = ({ places }: Engine, holding: Holding): void => {
  if (!places.accepted.has(credentialOf[holding]))
    throw new TypeError(`CREDENTIALS leaves out ${credentialOf[holding]}: sign in with another holding`)
}

/** Starts a session of the user, and gives what its client can do. */
export const openSession = async <H extends Holding = 'tokens'>(
  app: FastifyInstance,
  user: SignedIn['user'],
  options: SessionOptions<H>,
): Promise<SignedIn<H>> => {
  const { gatewright: engine } = app
  checkAccepted(engine, options.holding ?? 'tokens')
  const live = await startTestSession(engine, { userId: user.id, ...options })
  // Without a word H is `tokens`, as in the session.
  const held = (await hold[options.holding ?? 'tokens'](engine, live)) as Held[H]
  const sessionId = live.session.id
  return {
    ...held,
    user,
    password: testPassword,
    sessionId,
    inject: request => {
      const { headers, ...rest } = typeof request === 'string' ? { url: request } : request
      return app.inject({ ...rest, headers: { ...held.headers, ...headers } })
    },
    signInAgain: (other = {}) => openSession(app, user, other),
    signOut: () => logOut(engine, { userId: user.id, sessionId, origin: { ...origin, actor: user.id } }),
    ...administer(engine, user.id),
  }
}

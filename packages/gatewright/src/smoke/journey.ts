import type { Answer, Asked } from './ask.ts'

/** What the journey goes with, and has been given on its way. */
export type Held = {
  readonly mount: string
  readonly username: string
  readonly password: string
  readonly access: string
  readonly refresh: string
  /** The access token before the refresh. */
  readonly former: string
}

export type Step = {
  readonly name: string
  readonly asks: (held: Held) => Asked
  readonly expects: string
  /** What is held after the answer; undefined where it is not the one expected. */
  readonly take: (answer: Answer, held: Held) => Held | undefined
  /** What was ended may be taken for a while, by processes that have not heard of it. */
  readonly isRefusal?: true
}

const textIn = (body: Answer['body'], name: string): string | undefined => {
  const value = body?.[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

const isOwn = ({ body }: Answer, { username }: Held): boolean => {
  const user = body?.user as Readonly<Record<string, unknown>> | null | undefined
  return user?.username === username
}

/** Not the 401 of a proxy in front, nor a page that looks like one: the gate says which of its reasons it is. */
const isRefused = ({ status, body }: Answer, codes: readonly string[]): boolean =>
  status === 401 && codes.includes(textIn(body, 'code') ?? '')

const takePair = ({ status, body }: Answer, held: Held): Held | undefined => {
  const [access, refresh] = [textIn(body, 'access_token'), textIn(body, 'refresh_token')]
  if (status !== 200 || access === undefined || refresh === undefined) return undefined
  // The refresh token stays the same for REFRESH_RETRY_WINDOW, so that a repeated refresh harms nobody.
  if (body?.token_type !== 'Bearer' || access === held.access) return undefined
  return { ...held, access, refresh, former: held.access }
}

const pair = '200 with an access token and a refresh token'
const ended = ['session_ended', 'invalid_token', 'token_stale'] as const

const withoutToken: Step = {
  name: 'no token is refused',
  asks: ({ mount }) => ({ method: 'GET', path: `${mount}/protected` }),
  expects: '401 with a code of the gate',
  take: (answer, held) => (isRefused(answer, ['invalid_token']) ? held : undefined),
}

const register: Step = {
  name: 'register',
  asks: ({ mount, username, password }) => ({
    method: 'POST',
    path: `${mount}/register`,
    body: { username, password },
  }),
  expects: '201 with the username',
  take: ({ status, body }, held) => (status === 201 && body?.username === held.username ? held : undefined),
}

const signIn: Step = {
  name: 'sign in',
  asks: ({ mount, username, password }) => ({
    method: 'POST',
    path: `${mount}/login`,
    body: { username, password },
  }),
  expects: pair,
  take: takePair,
}

const letIn = (name: string): Step => ({
  name,
  asks: ({ mount, access }) => ({ method: 'GET', path: `${mount}/protected`, token: access }),
  expects: '200 with the name of this user',
  take: (answer, held) => (answer.status === 200 && isOwn(answer, held) ? held : undefined),
})

const refresh: Step = {
  name: 'refresh',
  asks: ({ mount, refresh }) => ({
    method: 'POST',
    path: `${mount}/refresh`,
    body: { refresh_token: refresh },
  }),
  expects: '200 with a new access token and a refresh token',
  take: takePair,
}

const signOut: Step = {
  name: 'sign out',
  asks: ({ mount, access, refresh }) => ({
    method: 'POST',
    path: `${mount}/logout`,
    token: access,
    body: { refresh_token: refresh },
  }),
  expects: '200',
  take: ({ status, body }, held) => (status === 200 && body !== undefined ? held : undefined),
}

const accessRefused = (name: string, which: 'access' | 'former'): Step => ({
  name,
  asks: held => ({ method: 'GET', path: `${held.mount}/protected`, token: held[which] }),
  expects: '401 with a code of the gate',
  take: (answer, held) => (isRefused(answer, ended) ? held : undefined),
  isRefusal: true,
})

const refreshRefused: Step = {
  name: 'the refresh token is refused',
  asks: refresh.asks,
  expects: '401 with a code of the gate',
  take: (answer, held) => (isRefused(answer, ended) ? held : undefined),
  isRefusal: true,
}

/** From no token to ended tokens, in order. */
const common: readonly Step[] = [
  signIn,
  letIn('let in'),
  refresh,
  letIn('let in with the new token'),
  signOut,
  accessRefused('the access token is refused', 'access'),
  accessRefused('the access token from before the refresh is refused', 'former'),
  refreshRefused,
]

export const firstStep = withoutToken

/** Of a user that is made for this, or of one that is there. */
export const journeys = { own: [register, ...common], given: common } as const

/** What removes a user that was made: a deletion asks for a sign-in that is fresh. */
export const removal: readonly Step[] = [
  { ...signIn, name: 'clean-up: sign in' },
  {
    name: 'clean-up: delete the user',
    asks: ({ mount, access }) => ({ method: 'DELETE', path: `${mount}/me`, token: access }),
    expects: '204',
    take: ({ status }, held) => (status === 204 ? held : undefined),
  },
  accessRefused('clean-up: the deleted user is refused', 'access'),
]

/** What ends the session of a user that is there. */
export const closing: readonly Step[] = [{ ...signOut, name: 'clean-up: sign out' }]

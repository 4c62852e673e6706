import { isOver, isRefused, Refused } from './refused.ts'
import { type Method, send } from './send.ts'

export type User = {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly email_verified: boolean
  readonly roles: readonly string[]
  readonly created_at: string
  /** Until when sign-in on new devices is delayed, after too many wrong passwords. */
  readonly sign_in_delayed_until: string | null
}

/** One sign-in on one device. */
export type Device = {
  readonly id: string
  readonly current: boolean
  /** Null where the device does not say. */
  readonly program: string | null
  readonly system: string | null
  readonly address: string
  readonly created_at: string
  readonly last_used_at: string
  readonly expires_at: string
}

/** Who is signed in here. */
export type Current = { readonly user: User; readonly csrf_token?: string }

export type Registration = { readonly username: string; readonly password: string; readonly email?: string }

/** How easily a password is guessed: the score is 0 to 4, the texts are English. */
export type Strength = {
  readonly score: number
  readonly warning: string | null
  readonly suggestions: readonly string[]
}

/** The codes that say: another tab has renewed the session, and this one holds what was before. */
const renewedElsewhere = ['session_renewed', 'csrf_failed'] as const

/**
 * The account routes, for the browser's cookie session. The CSRF token is kept here alone. When another
 * tab has renewed the session, its new token is read and the request is sent once more, unless somebody
 * else is signed in there now: what one person asked for is never done as another.
 */
export const createApi = (mount: string) => {
  let current: { readonly userId: string; readonly csrfToken: string | undefined } | undefined

  const readCurrent = async (): Promise<Current> => {
    try {
      const { user, csrf_token: csrfToken } = (await send({
        method: 'GET',
        path: `${mount}/sessions/current`,
      })) as Current
      current = { userId: user.id, csrfToken }
      return { user }
    } catch (error) {
      if (isOver(error)) current = undefined
      throw error
    }
  }

  /** The answer that gives the browser the new cookie may still be on its way to another tab. */
  const readRenewed = async (triesLeft = 10): Promise<Current> => {
    try {
      return await readCurrent()
    } catch (error) {
      if (triesLeft === 0 || !isRefused(error, 'session_renewed')) throw error
      await new Promise(resolve => setTimeout(resolve, 200))
      return readRenewed(triesLeft - 1)
    }
  }

  const keepToken = (answer: unknown): void => {
    const { csrf_token: csrfToken } = (answer ?? {}) as { readonly csrf_token?: string }
    if (csrfToken !== undefined && current !== undefined) current = { ...current, csrfToken }
  }

  const sendOnce = async (method: Method, path: string, body: unknown): Promise<unknown> => {
    const csrfToken = method === 'GET' ? undefined : current?.csrfToken
    const answer = await send({ method, path: mount + path, body, csrfToken })
    keepToken(answer)
    return answer
  }

  const ask = async (method: Method, path: string, body?: unknown): Promise<unknown> => {
    const asked = current?.userId
    try {
      return await sendOnce(method, path, body)
    } catch (error) {
      if (asked === undefined || !isRefused(error, ...renewedElsewhere)) throw error
      const { user } = await readRenewed()
      if (user.id !== asked) throw new Refused({ code: 'session_ended' })
      return sendOnce(method, path, body)
    }
  }

  return {
    /** Who is signed in; nobody is null. */
    findCurrent: async (): Promise<Current | null> => {
      try {
        return await readRenewed()
      } catch (error) {
        if (isOver(error)) return null
        throw error
      }
    },
    signIn: (username: string, password: string) => ask('POST', '/sessions', { username, password }),
    signOut: () => ask('POST', '/logout'),
    setUp: (token: string, registration: Registration) => ask('POST', '/setup', { token, ...registration }),
    register: (registration: Registration) => ask('POST', '/register', registration),
    stepUp: (password: string) => ask('POST', '/step-up', { password }),
    measurePassword: async (password: string, username?: string) =>
      (await ask('POST', '/password/strength', {
        password,
        ...(username !== undefined && { username }),
      })) as Strength,
    changePassword: (current_password: string, new_password: string) =>
      ask('PUT', '/me/password', { current_password, new_password }),
    listDevices: async () => ((await ask('GET', '/sessions')) as { sessions: readonly Device[] }).sessions,
    endDevice: (id: string) => ask('DELETE', `/sessions/${encodeURIComponent(id)}`),
    endOtherDevices: () => ask('DELETE', '/sessions'),
    verifyEmail: (token: string) => ask('POST', '/email/verify', { token }),
    refuseEmail: (token: string) => ask('POST', '/email/not-me', { token }),
    forgotPassword: (email: string) => ask('POST', '/password/forgot', { email }),
    resetPassword: (token: string, new_password: string) =>
      ask('POST', '/password/reset', { token, new_password }),
  }
}

export type Api = ReturnType<typeof createApi>

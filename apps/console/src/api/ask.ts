import type { OwnEnd } from '../activity/own-story.ts'
import type { Current } from './answers.ts'
import { endOf, isOver, isRefused, Refused } from './refused.ts'
import { type Method, type Outgoing, send } from './send.ts'

/** The codes that say: another tab has renewed the session, and this one holds what was before. */
const renewedElsewhere = ['session_renewed', 'csrf_failed'] as const

/**
 * Asks the account routes, with the browser's cookie session. The CSRF token is kept here alone. When another
 * tab has renewed the session, its new token is read and the request is sent once more, unless somebody
 * else is signed in there now: what one person asked for is never done as another.
 */
export const createAsk = (mount: string) => {
  let current: { readonly userId: string; readonly csrfToken: string | undefined } | undefined
  /** What the server said of the session that was here: once, for then the browser gives up the cookie. */
  let end: OwnEnd | undefined

  const sendHere = (outgoing: Outgoing): Promise<unknown> =>
    send(outgoing).catch(error => {
      end = endOf(error) ?? end
      throw error
    })

  const readCurrent = async (): Promise<Current> => {
    try {
      const { user, csrf_token: csrfToken } = (await sendHere({
        method: 'GET',
        path: `${mount}/sessions/current`,
      })) as Current
      current = { userId: user.id, csrfToken }
      end = undefined
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
    const answer = await sendHere({ method, path: mount + path, body, csrfToken })
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

  return { ask, readRenewed, findEnd: () => end }
}

export type Ask = ReturnType<typeof createAsk>['ask']

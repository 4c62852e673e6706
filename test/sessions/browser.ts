import assert from 'node:assert/strict'
import { type Answer, type Call, password, type TestApp } from '../harness.ts'

/** A browser tab: the cookie that the browser holds, and the CSRF token that the page holds. */
export type Browser = { cookie: string; csrf: string }

/** The cookie of an answer's `Set-Cookie`, as `name=value`; undefined where none is set. */
export const cookieOf = ({ headers }: Pick<Answer, 'headers'>): string | undefined =>
  headers['set-cookie'] === undefined ? undefined : String(headers['set-cookie']).split(';')[0]

/** Whether an answer takes the cookie from the browser. */
export const isCleared = ({ headers }: Pick<Answer, 'headers'>): boolean =>
  /^(__Host-)?gw_session=; .*Max-Age=0;/.test(String(headers['set-cookie'] ?? ''))

/** The headers of a request that a page of ours makes. */
export const headersOf = (t: TestApp, { cookie, csrf }: Browser): Record<string, string> => ({
  cookie,
  origin: t.engine.publicUrl,
  'sec-fetch-site': 'same-origin',
  'x-csrf-token': csrf,
})

/** Sends what the page in this browser would send; further headers take the place of its own. */
export const browse = (
  t: TestApp,
  browser: Browser,
  method: string,
  path: string,
  { headers, ...call }: Call = {},
): Promise<Answer> => t.call(method, path, { ...call, headers: { ...headersOf(t, browser), ...headers } })

export const toBrowser = (answer: Answer): Browser => {
  const cookie = cookieOf(answer)
  assert.ok(cookie !== undefined && answer.body?.csrf_token, answer.text)
  return { cookie, csrf: answer.body.csrf_token }
}

/** Signs in at the page of ours. */
export const openBrowser = async (
  t: TestApp,
  username: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Browser> => {
  const answer = await t.call('POST', 'sessions', {
    body: { username, password },
    headers: { origin: t.engine.publicUrl, ...headers },
  })
  assert.equal(answer.status, 201, answer.text)
  return toBrowser(answer)
}

/** Status, and the code of a refusal. */
export const show = ({ status, body }: Answer): string =>
  status >= 400 ? `${status} ${body?.code}` : String(status)

export const sessionIdOf = async (t: TestApp, browser: Browser): Promise<string> =>
  (await browse(t, browser, 'GET', 'sessions/current')).body.session.id

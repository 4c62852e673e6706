import { after, before, beforeEach } from 'node:test'
import { second } from '../../packages/gatewright/src/ground/clock.ts'
import type { SessionRow } from '../../packages/gatewright/src/storage/tables.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { type Browser, browse, openBrowser } from './browser.ts'

/** `REFRESH_RETRY_WINDOW`, and as long a cookie whose session was just ended stays in the browser. */
export const window = 10 * second

export const newPassword = 'quite another password'

/** The app; anew for each test a user, who also holds a pair of tokens, and the user's browser. */
export let t: TestApp
export let ann: Caller
export let tab: Browser

/** Makes them, for the tests of the file that calls this. */
export const useCookieScene = (): void => {
  before(async () => {
    t = await startTestApp()
  })
  after(() => t.close())
  beforeEach(async () => {
    ann = await signUp(t, freshName())
    tab = await openBrowser(t, ann.username)
  })
}

export const me = (browser = tab): Promise<Answer> => browse(t, browser, 'GET', 'me')

export const rowOf = (id: string): Promise<SessionRow> =>
  t.engine.db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

/** Those that a cookie holds. */
export const liveSessionsOf = (userId: string): Promise<readonly SessionRow[]> =>
  t.engine.db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where('secret_hash', 'is not', null)
    .execute()

/** What gives a session a new id, and so the browser a new cookie. */
export const doors = {
  'a step-up': (browser: Browser) => browse(t, browser, 'POST', 'step-up', { body: { password } }),
  'a change of the password': (browser: Browser) =>
    browse(t, browser, 'PUT', 'me/password', {
      body: { current_password: password, new_password: newPassword },
    }),
}

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { second } from 'gatewright/clock'
import { csrfTokenOf, newSessionSecret } from '../../packages/gatewright/src/tokens/session-secret.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { type Browser, browse, headersOf, isCleared, openBrowser, show } from '../sessions/browser.ts'
import { startCountedApp } from '../sessions/counted-app.ts'

/** The limits as they are. */
let t: TestApp
let ann: Caller
let tab: Browser
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
})
after(() => t.close())
beforeEach(async () => {
  // What the test before has used up is there again.
  t.clock.advance(3_600 * second)
  ann = await signUp(t, freshName())
  tab = await openBrowser(t, ann.username)
})

const thief = '203.0.113.9'
const endReasonOf = (id: string) =>
  t.engine.db.selectFrom('sessions').select('end_reason').where('id', '=', id).executeTakeFirstOrThrow()
const sessionOf = async (headers: Readonly<Record<string, string>>): Promise<string> =>
  (await t.call('GET', 'sessions/current', { headers })).body.session.id

const madeUp = (): Browser => {
  const secret = newSessionSecret(t.engine.random)
  return { cookie: `gw_session=${secret}`, csrf: csrfTokenOf(secret) }
}

/** Until the limit refuses. */
const useUp = async (ask: () => Promise<Answer>): Promise<void> => {
  for (let n = 0; n < 2_000; n++) if ((await ask()).status === 429) return
  assert.fail('there is no limit')
}

describe('a thief keeps nobody from signing out', () => {
  test('who has stolen the cookie and uses up its limit', async () => {
    const id = await sessionOf(headersOf(t, tab))
    const steal = () => t.call('GET', 'posts', { headers: { cookie: tab.cookie }, address: thief })
    await useUp(steal)
    assert.equal((await browse(t, tab, 'GET', 'me')).status, 429)
    const out = await browse(t, tab, 'POST', 'logout')
    assert.deepEqual([out.status, isCleared(out)], [200, true])
    assert.equal((await endReasonOf(id)).end_reason, 'logout')
  })

  test('who shows the stolen cookie beside a token that signed out too often', async () => {
    const { refresh } = await signUp(t, freshName())
    const call = { body: { refresh_token: refresh }, address: thief }
    for (let n = 0; n < 61; n++) await t.call('POST', 'logout', call)
    for (let n = 0; n < 61; n++) await browse(t, tab, 'POST', 'logout', call)
    assert.equal((await browse(t, tab, 'POST', 'logout')).status, 200)
    assert.equal(show(await browse(t, tab, 'GET', 'me')), '401 session_ended')
  })

  test('who behind the same address shows cookies that nobody was given', async () => {
    await useUp(() => t.call('GET', 'posts', { headers: { cookie: madeUp().cookie } }))
    const out = await browse(t, madeUp(), 'POST', 'logout', { body: { refresh_token: ann.refresh } })
    assert.equal(show(out), '200')
    // A token that this process has not seen yet is not judged for that address any more.
    assert.equal(show(await t.call('GET', 'me', { token: ann.access })), '429 rate_limited')
    const elsewhere = { token: ann.access, address: '203.0.113.77' }
    assert.equal(show(await t.call('GET', 'me', elsewhere)), '401 session_ended')
    assert.equal((await browse(t, tab, 'POST', 'logout')).status, 200)
  })

  test('and what signing out costs is bounded for an address all the same: past that it makes no query', async owner => {
    const counted = await startCountedApp(t.engine)
    owner.after(counted.close)
    const flood = () => counted.ask('POST', 'logout', headersOf(t, madeUp()))
    for (let n = 0; n < 1_200; n++) assert.equal((await flood()).status, 401)
    assert.deepEqual(await flood(), { status: 429, queries: [] })
    assert.equal((await t.call('POST', 'logout', { token: ann.access, address: thief })).status, 200)
  })
})

describe('a thief in one session does not keep its owner in another from ending it', () => {
  const ends: Readonly<Record<string, (id: string) => Promise<Answer>>> = {
    'by its id': id => browse(t, tab, 'DELETE', `sessions/${id}`),
    'with all others': () => browse(t, tab, 'DELETE', 'sessions'),
  }
  const floods: Readonly<Record<string, () => Promise<Answer>>> = {
    writes: () => t.call('POST', 'todos', { token: ann.access, body: {}, address: thief }),
    'tries to end sessions': () => t.call('DELETE', 'sessions/none', { token: ann.access, address: thief }),
  }
  for (const [what, flood] of Object.entries(floods))
    for (const [how, end] of Object.entries(ends))
      test(`by many ${what}: it ends ${how}`, async () => {
        const id = await sessionOf({ authorization: `Bearer ${ann.access}` })
        await useUp(flood)
        assert.equal((await end(id)).status, 204)
        assert.equal((await endReasonOf(id)).end_reason, 'ended_by_owner')
      })
})

test('a thief who rotated the refresh token does not hide it by using up the limit: the older one ends the session', async () => {
  const window = 10 * second
  t.clock.advance(window)
  const refresh = (token: string, address?: string) =>
    t.call('POST', 'refresh', { body: { refresh_token: token }, ...(address && { address }) })
  const stolen: string = (await refresh(ann.refresh, thief)).body.refresh_token
  t.clock.advance(window)
  let live = stolen
  for (let n = 0; n < 61; n++) live = (await refresh(live, thief)).body.refresh_token ?? live
  assert.equal((await refresh(live, thief)).status, 429)
  assert.equal(show(await refresh(ann.refresh)), '401 refresh_token_reused')
  t.clock.advance(60 * second)
  assert.equal(show(await refresh(live, thief)), '401 session_ended')
})

describe('a cookie that is ours does not count for its address', () => {
  const strangers = () => t.call('GET', 'posts', { headers: { cookie: madeUp().cookie } })

  test('at its first use, by whichever door it was given', async () => {
    await useUp(strangers)
    const first = await openBrowser(t, ann.username)
    const answer = await browse(t, first, 'POST', 'step-up', { body: { password } })
    assert.equal(answer.status, 200)
    const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? ''
    assert.equal((await t.call('GET', 'me', { headers: { cookie } })).status, 200)
  })

  test('when its session has ended: the address has as much left as before', async () => {
    await browse(t, tab, 'POST', 'logout')
    for (let n = 0; n < 100; n++) {
      const { status, headers } = await t.call('GET', 'me', { headers: { cookie: tab.cookie } })
      assert.equal(status, 401)
      assert.doesNotMatch(String(headers.ratelimit), /"cookie-address"/)
    }
    assert.match(String((await strangers()).headers.ratelimit), /"cookie-address";r=1199/)
  })

  test('and in a process that did not give it once only, live or ended', async owner => {
    const node = await startTestApp({ ...t.engine.settings })
    owner.after(() => node.app.close())
    node.clock.advance(t.clock.now() - node.clock.now())
    await browse(t, tab, 'POST', 'logout')
    const other = await openBrowser(t, ann.username)
    for (const { cookie } of [tab, other]) {
      const ask = async () =>
        String((await node.call('GET', 'me', { headers: { cookie } })).headers.ratelimit)
      assert.match(await ask(), /"cookie-address"/)
      for (let n = 0; n < 5; n++) assert.doesNotMatch(await ask(), /"cookie-address"/)
    }
  })
})

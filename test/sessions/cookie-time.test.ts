import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { day, minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { findCookieSession } from '../../packages/gatewright/src/sessions/find-session.ts'
import { checkCookieSession } from '../../packages/gatewright/src/sign-in/cookie-session.ts'
import { parseSessionSecret } from '../../packages/gatewright/src/tokens/session-secret.ts'
import { password, signUp, startTestApp } from '../harness.ts'
import { browse, isCleared, openBrowser, sessionIdOf, show, toBrowser } from './browser.ts'
import { ann, me, rowOf, t, tab, useCookieScene, window } from './cookie-scene.ts'

useCookieScene()

describe('a cookie session ends by the clock', () => {
  const idle = 14 * day
  const longest = 30 * day

  const traceOf = async (id: string) => {
    const { end_reason } = await rowOf(id)
    const events = await t.engine.db
      .selectFrom('audit_events')
      .select(['reason', 'actor'])
      .where('session_id', '=', id)
      .where('event', '=', 'session.ended')
      .execute()
    return { end_reason, events: events.map(row => ({ ...row })) }
  }

  test('when it was not used for the idle time, and its trace says so, once', async () => {
    const id = await sessionIdOf(t, tab)
    t.clock.advance(idle)
    const answers = await Promise.all([me(), me(), me()])
    for (const answer of answers) assert.equal(show(answer), '401 session_ended')
    assert.deepEqual(await traceOf(id), {
      end_reason: 'idle',
      events: [{ reason: 'idle', actor: ann.id }],
    })
  })

  test('not a moment earlier, and each use begins the idle time anew', async () => {
    for (let n = 0; n < 2; n++) {
      t.clock.advance(idle - 1)
      assert.equal((await me()).status, 200)
    }
  })

  test('at its longest time, however much it was used', async () => {
    const id = await sessionIdOf(t, tab)
    for (let n = 0; n < 5; n++) {
      t.clock.advance(longest / 5 - (n === 4 ? 1 : 0))
      assert.equal((await me()).status, 200)
    }
    t.clock.advance(1)
    assert.equal(show(await me()), '401 session_ended')
    assert.equal((await traceOf(id)).end_reason, 'expired')
  })

  test('and a step-up does not make it longer: the new cookie is kept no longer than the session', async () => {
    t.clock.advance(5 * day)
    const answer = await browse(t, tab, 'POST', 'step-up', { body: { password } })
    assert.match(String(answer.headers['set-cookie']), new RegExp(`Max-Age=${(25 * day) / second};`))
  })

  for (const [how, passes] of [
    ['idle', idle],
    ['expired', longest],
  ] as const)
    test(`as ${how}: the browser forgets the cookie with the first answer, and it keeps nobody from public pages`, async () => {
      t.clock.advance(passes)
      const [first, ...others] = [await browse(t, tab, 'GET', 'posts'), await me()]
      assert.equal(show(first), '401 session_ended')
      assert.ok(isCleared(first))
      for (const answer of others) assert.equal(show(answer), '401 session_ended')
      t.clock.advance(window)
      assert.ok(isCleared(await me()))
    })

  test('the answer to a sign-in that replaced it is safe all the same: a late request does not take its cookie', async () => {
    t.clock.advance(idle)
    const body = { username: ann.username, password }
    const fresh = toBrowser(await browse(t, tab, 'POST', 'sessions', { body }))
    const late = await me()
    assert.equal(show(late), '401 session_ended')
    assert.ok(!isCleared(late))
    assert.equal((await me(fresh)).status, 200)
  })

  test('use is written at most once a minute', async () => {
    const id = await sessionIdOf(t, tab)
    const lastUse = async () => (await rowOf(id)).last_used_at
    const begin = await lastUse()
    t.clock.advance(minute - 1)
    await me()
    assert.equal(await lastUse(), begin)
    t.clock.advance(1)
    await Promise.all([me(), me()])
    assert.equal(await lastUse(), begin + minute)
  })

  test('an idle time of seconds is kept as well', async owner => {
    const quick = await startTestApp({ sessionIdleTtl: 10 * second, accessTokenTtl: 10 * second })
    owner.after(() => quick.close())
    const { username } = await signUp(quick, 'ann')
    const there = await openBrowser(quick, username)
    for (let n = 0; n < 5; n++) {
      quick.clock.advance(5 * second)
      assert.equal((await browse(quick, there, 'GET', 'me')).status, 200)
    }
    quick.clock.advance(10 * second)
    assert.equal(show(await browse(quick, there, 'GET', 'me')), '401 session_ended')
  })

  test('use is not written into a session that ended after it was read', async () => {
    const secret = parseSessionSecret(tab.cookie.split('=')[1] ?? '')
    const found = secret && (await findCookieSession(t.engine.db, secret))
    assert.ok(found)
    await browse(t, tab, 'POST', 'logout')
    t.clock.advance(2 * minute)
    await assert.rejects(checkCookieSession(t.engine, found, origin), { code: 'session_ended' })
    assert.equal((await rowOf(found.session.id)).last_used_at, found.session.last_used_at)
  })

  test('a request in flight never brings an ended session back', async () => {
    const id = await sessionIdOf(t, tab)
    t.clock.advance(2 * minute)
    await Promise.all([me(), browse(t, tab, 'POST', 'logout'), me(), me()])
    const { ended_at, end_reason } = await rowOf(id)
    assert.deepEqual([ended_at !== null, end_reason], [true, 'logout'])
    assert.equal(show(await me()), '401 session_ended')
  })
})

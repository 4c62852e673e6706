import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { disableUser, enableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { minute } from '../../packages/gatewright/src/ground/clock.ts'
import { password, startTestApp } from '../harness.ts'
import { type Browser, browse, isCleared, openBrowser, sessionIdOf, show } from './browser.ts'
import { ann, me, newPassword, t, tab, useCookieScene, window } from './cookie-scene.ts'
import { openSecondConnection } from './second-connection.ts'

useCookieScene()

describe('a cookie session ends', () => {
  const isOver = async (browser: Browser, cleared: boolean): Promise<void> => {
    const answer = await me(browser)
    assert.equal(show(answer), '401 session_ended')
    assert.equal(isCleared(answer), cleared)
  }
  /** At once; the browser forgets the cookie where no other one can be on its way to it. */
  const ended = async (browser = tab): Promise<void> => {
    await isOver(browser, false)
    t.clock.advance(window - 1)
    await isOver(browser, false)
    t.clock.advance(1)
    await isOver(browser, true)
    const write = await browse(t, browser, 'POST', 'posts', { body: { title: 'a', content: 'b' } })
    assert.equal(show(write), '401 session_ended')
  }

  test('by logout, which takes the cookie from the browser', async () => {
    const out = await browse(t, tab, 'POST', 'logout')
    assert.equal(out.status, 200)
    assert.ok(isCleared(out))
    await ended()
  })

  test('by a logout of every kind of body', async () => {
    for (const body of [undefined, {}]) {
      const browser = await openBrowser(t, ann.username)
      assert.equal((await browse(t, browser, 'POST', 'logout', { body })).status, 200)
      await ended(browser)
    }
  })

  test('once: a logout of a session already ended is 200, and takes the cookie as well', async () => {
    await browse(t, tab, 'POST', 'logout')
    const again = await browse(t, tab, 'POST', 'logout')
    assert.equal(again.status, 200)
    assert.ok(isCleared(again))
    const rows = await t.engine.db
      .selectFrom('audit_events')
      .select('id')
      .where('user_id', '=', ann.id)
      .where('event', '=', 'session.ended')
      .execute()
    assert.equal(rows.length, 1)
  })

  test('not by a logout that can not be made durable: 503, and the cookie stays for another try', async () => {
    const second = openSecondConnection(t.engine)
    const release = await second.holdWrites('sessions')
    const out = await browse(t, tab, 'POST', 'logout')
    release()
    second.close()
    assert.equal(show(out), '503 unavailable')
    assert.equal(out.headers['set-cookie'], undefined)
    assert.equal((await me()).status, 200)
    assert.equal((await browse(t, tab, 'POST', 'logout')).status, 200)
  })

  test('when its owner ends it by its id, which takes the cookie too', async () => {
    const id = await sessionIdOf(t, tab)
    const out = await browse(t, tab, 'DELETE', `sessions/${id}`)
    assert.equal(out.status, 204)
    assert.ok(isCleared(out))
    await ended()
  })

  test('when another session of the owner ends it', async () => {
    const other = await openBrowser(t, ann.username)
    const id = await sessionIdOf(t, tab)
    const out = await browse(t, other, 'DELETE', `sessions/${id}`)
    assert.equal(out.status, 204)
    assert.equal(out.headers['set-cookie'], undefined)
    await ended()
    assert.equal((await me(other)).status, 200)
  })

  test('when another session of the owner ends all others', async () => {
    assert.equal((await t.call('DELETE', 'sessions', { token: ann.access })).status, 204)
    await ended()
  })

  test('when the user is disabled, and stays so when the user is enabled again', async () => {
    await disableUser(t.engine, { userId: ann.id, origin })
    await ended()
    await enableUser(t.engine, { userId: ann.id, origin })
    await isOver(tab, true)
  })

  test('when its user is disabled where no session was ended: the database is asked for both', async () => {
    const second = openSecondConnection(t.engine)
    await second.run('update users set disabled_at = 1 where id = ?', ann.id)
    second.close()
    await isOver(tab, true)
  })

  test('when the password is changed elsewhere', async () => {
    const body = { current_password: password, new_password: newPassword }
    assert.equal((await t.call('PUT', 'me/password', { token: ann.access, body })).status, 200)
    await ended()
  })

  test('when a process that it does not know of ended it: nothing but the database is asked', async () => {
    const second = openSecondConnection(t.engine)
    await second.run(
      "update sessions set ended_at = 1, end_reason = 'logout' where id = ?",
      await sessionIdOf(t, tab),
    )
    second.close()
    await isOver(tab, true)
  })

  test('in the set of cut-offs alone, where the database still has it: the younger of the two counts', async () => {
    const [subject, now] = [await sessionIdOf(t, tab), t.clock.now()]
    const matters_until = now + minute
    t.engine.revocations.apply([
      { place: 0, kind: 'session', subject, version: null, matters_until, created_at: now },
    ])
    await isOver(tab, false)
  })
})

test('of two processes on one database each refuses at once what the other ended', async owner => {
  const node = await startTestApp({ ...t.engine.settings })
  owner.after(() => node.app.close())
  node.clock.advance(t.clock.now() - node.clock.now())
  assert.equal((await browse(node, tab, 'GET', 'me')).status, 200)
  await browse(t, tab, 'POST', 'logout')
  assert.equal(show(await browse(node, tab, 'GET', 'me')), '401 session_ended')
})

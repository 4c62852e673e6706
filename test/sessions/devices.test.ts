import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { type Held, openScene, refresh, renewPair, type Scene, signIn } from './scene.ts'
import { addUser } from './signed-in.ts'

let t: TestApp
let scene: Scene
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  scene = await openScene(t)
})

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'

type Listed = { readonly id: string; readonly current: boolean; readonly device: string }

const open = async (held: Held): Promise<number> =>
  (await t.call('GET', 'protected', { token: held.pair.access })).status
const list = async (held: Held): Promise<readonly Listed[]> => {
  const { status, body, text } = await t.call('GET', 'sessions', { token: held.pair.access })
  assert.equal(status, 200, text)
  return body.sessions
}
const endOne = (by: Held, id: string) => t.call('DELETE', `sessions/${id}`, { token: by.pair.access })
const endOthers = (by: Held) => t.call('DELETE', 'sessions', { token: by.pair.access })

describe('the list of own sessions', () => {
  test('shows exactly the own live ones, and marks the one that asks', async () => {
    const { self, other, third } = scene
    await endOne(self, third.sessionId)
    const sessions = await list(other)
    assert.deepEqual(sessions.map(({ id }) => id).sort(), [self.sessionId, other.sessionId].sort())
    assert.deepEqual(
      sessions.filter(({ current }) => current).map(({ id }) => id),
      [other.sessionId],
    )
  })

  test('shows where and when, and nothing that could be used', async () => {
    const headers = { 'user-agent': `${firefox}${' '.repeat(400)}` }
    const body = { username: scene.username, password }
    const answer = await t.call('POST', 'login', { body, headers, address: '192.0.2.7' })
    const { access_token, refresh_token } = answer.body
    const sessions = await t.call('GET', 'sessions', { token: access_token })
    const current = sessions.body.sessions.find((session: Listed) => session.current)
    assert.deepEqual(Object.keys(current), [
      'id',
      'current',
      'device',
      'program',
      'system',
      'address',
      'created_at',
      'last_used_at',
      'expires_at',
    ])
    assert.deepEqual([current.device, current.address], ['Firefox on Windows', '192.0.2.7'])
    assert.deepEqual([current.program, current.system], ['Firefox', 'Windows'])
    const { refresh_key } = await t.engine.db
      .selectFrom('sessions')
      .select('refresh_key')
      .where('id', '=', current.id)
      .executeTakeFirstOrThrow()
    for (const secret of [refresh_key, refresh_token, access_token])
      assert.ok(!sessions.text.includes(secret))
  })

  test('is for nobody without a session', async () => {
    assert.equal((await t.call('GET', 'sessions')).status, 401)
    await endOthers(scene.self)
    assert.equal((await t.call('GET', 'sessions', { token: scene.other.pair.access })).status, 401)
  })
})

describe('ending one session', () => {
  test('ends another own one, and no third', async () => {
    const { self, other, third } = scene
    assert.equal((await endOne(self, other.sessionId)).status, 204)
    assert.deepEqual([await open(self), await open(other), await open(third)], [200, 401, 200])
    assert.equal((await refresh(t, other)).body.code, 'session_ended')
  })

  test('of a stranger is answered as if there were none, and ends nothing', async () => {
    const { self, stranger } = scene
    const unknown = await endOne(self, 'A'.repeat(22))
    const theirs = await endOne(self, stranger.sessionId)
    const withoutId = ({ body }: typeof theirs) => ({ ...body, request_id: undefined })
    assert.deepEqual(withoutId(theirs), withoutId(unknown))
    assert.deepEqual([theirs.status, theirs.body.code], [404, 'not_found'])
    assert.equal(await open(stranger), 200)
  })

  const ids = ['x', '%00', 'A'.repeat(23), '../sessions', 'current', "'--", 'null']
  for (const id of ids)
    test(`called ${JSON.stringify(id)} is answered 404, and ends nothing`, async () => {
      assert.ok([400, 404].includes((await endOne(scene.self, encodeURIComponent(id))).status))
      for (const held of [scene.self, scene.other]) assert.equal(await open(held), 200)
    })

  test('that has ended is answered 404', async () => {
    await endOne(scene.self, scene.other.sessionId)
    assert.equal((await endOne(scene.self, scene.other.sessionId)).status, 404)
  })

  test('that is the own one signs out', async () => {
    const { self } = scene
    assert.equal((await endOne(self, self.sessionId)).status, 204)
    assert.equal(await open(self), 401)
    assert.equal((await refresh(t, self)).body.code, 'session_ended')
    const { end_reason } = await t.engine.db
      .selectFrom('sessions')
      .select('end_reason')
      .where('id', '=', self.sessionId)
      .executeTakeFirstOrThrow()
    assert.equal(end_reason, 'logout')
  })

  test('twice at once is done once', async () => {
    const answers = await Promise.all([
      endOne(scene.self, scene.other.sessionId),
      endOne(scene.third, scene.other.sessionId),
    ])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 404])
  })
})

describe('ending all other sessions', () => {
  test('leaves this one and strangers, and nothing else', async () => {
    const { self, other, third, stranger } = scene
    assert.equal((await endOthers(self)).status, 204)
    assert.deepEqual(await Promise.all([self, other, third, stranger].map(open)), [200, 401, 401, 200])
    assert.deepEqual(
      (await list(self)).map(({ id }) => id),
      [self.sessionId],
    )
  })

  test('by two sessions at once leaves the user one: the loser ends nothing with a session that is over', async () => {
    const { self, other } = scene
    const answers = await Promise.all([endOthers(self), endOthers(other)])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 401])
    assert.deepEqual((await Promise.all([self, other].map(open))).sort(), [200, 401])
  })
})

describe('ending other sessions needs a recent sign-in', () => {
  const age = async (milliseconds: number): Promise<void> => {
    t.clock.advance(milliseconds)
    for (const held of [scene.self, scene.other]) await renewPair(t, held)
  }
  const doors = {
    'one other': () => endOne(scene.self, scene.other.sessionId),
    'all others': () => endOthers(scene.self),
  }
  for (const [name, end] of Object.entries(doors)) {
    test(`${name}: refused eleven minutes after it, with the age that would do`, async () => {
      await age(11 * minute)
      const answer = await end()
      assert.deepEqual([answer.status, answer.body.code], [401, 'insufficient_user_authentication'])
      const challenge = String(answer.headers['www-authenticate'])
      assert.match(challenge, /^Bearer error="insufficient_user_authentication"/)
      assert.match(challenge, /max_age="600"/)
      assert.deepEqual(await Promise.all([scene.self, scene.other].map(open)), [200, 200])
    })

    test(`${name}: done nine minutes after it`, async () => {
      await age(9 * minute)
      assert.equal((await end()).status, 204)
    })
  }

  test('but signing oneself out does not', async () => {
    await age(11 * minute)
    assert.equal((await endOne(scene.self, scene.self.sessionId)).status, 204)
    assert.equal(await open(scene.self), 401)
  })

  test('and a step-up is one', async () => {
    await age(11 * minute)
    const body = { password }
    const stepped = await t.call('POST', 'step-up', { token: scene.self.pair.access, body })
    assert.equal((await t.call('DELETE', 'sessions', { token: stepped.body.access_token })).status, 204)
  })
})

describe('signing out', () => {
  const logOut = (options: Parameters<TestApp['call']>[2]) => t.call('POST', 'logout', options)
  const isOut = async (held: Held): Promise<boolean> =>
    (await open(held)) === 401 && (await refresh(t, held)).status === 401

  const ways: Record<string, (held: Held) => Parameters<TestApp['call']>[2]> = {
    'the access token': ({ pair }) => ({ token: pair.access }),
    'the refresh token in the body': ({ pair }) => ({ body: { refresh_token: pair.refresh } }),
    'the refresh token as the bearer': ({ pair }) => ({ token: pair.refresh }),
    'both tokens': ({ pair }) => ({ token: pair.access, body: { refresh_token: pair.refresh } }),
  }
  for (const [name, show] of Object.entries(ways)) {
    test(`with ${name} ends that session at once, and no other`, async () => {
      const answer = await logOut(show(scene.self))
      assert.deepEqual([answer.status, Object.keys(answer.body)], [200, ['message']])
      assert.ok(await isOut(scene.self))
      assert.equal(await open(scene.other), 200)
    })

    test(`with ${name} is answered 200 again when the session has ended, with no second event`, async () => {
      await logOut(show(scene.self))
      const events = t.engine.db
        .selectFrom('audit_events')
        .select('id')
        .where('event', '<>', 'credential.refused')
      const count = async () => (await events.execute()).length
      const before = await count()
      assert.equal((await logOut(show(scene.self))).status, 200)
      assert.equal(await count(), before)
    })
  }

  test('with an old refresh token ends the session: whoever holds it may leave', async () => {
    const { pair } = scene.self
    t.clock.advance(11 * second)
    await renewPair(t, scene.self)
    assert.equal((await logOut({ body: { refresh_token: pair.refresh } })).status, 200)
    assert.ok(await isOut(scene.self))
  })

  test('with the tokens of two sessions ends both', async () => {
    const { self, other, third } = scene
    const both = { token: self.pair.access, body: { refresh_token: other.pair.refresh } }
    assert.equal((await logOut(both)).status, 200)
    assert.deepEqual([await isOut(self), await isOut(other)], [true, true])
    assert.equal(await open(third), 200)
  })

  const besides: Record<string, () => Promise<string>> = {
    'made up': async () => 'a.b.c',
    expired: async () => {
      t.clock.advance(11 * minute)
      return scene.other.pair.access
    },
  }
  for (const [name, take] of Object.entries(besides))
    test(`with a refresh token is not kept from it by an access token that is ${name}`, async () => {
      const token = await take()
      assert.equal((await logOut({ token, body: { refresh_token: scene.self.pair.refresh } })).status, 200)
      assert.equal((await refresh(t, scene.self)).body.code, 'session_ended')
    })

  const refusals: Record<string, () => Parameters<TestApp['call']>[2]> = {
    'nothing at all': () => ({}),
    'an empty body': () => ({ body: {} }),
    'a made-up access token': () => ({ token: 'a.b.c' }),
    'a made-up refresh token': () => ({ body: { refresh_token: `gwr_${'A'.repeat(80)}` } }),
    'a refresh token with one character changed': () => {
      const { refresh: token } = scene.self.pair
      return { body: { refresh_token: `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}` } }
    },
    'an access token whose claims were changed': () => {
      const [head, , signature] = scene.self.pair.access.split('.')
      return { token: `${head}.${Buffer.from('{"sub":"x"}').toString('base64url')}.${signature}` }
    },
  }
  for (const [name, show] of Object.entries(refusals))
    test(`with ${name} is refused with 401, and ends nothing`, async () => {
      const answer = await logOut(show())
      assert.deepEqual([answer.status, answer.body.code], [401, 'invalid_token'])
      assert.equal(await open(scene.self), 200)
    })

  describe('of a session that was renewed by another tab', () => {
    const renew = async (held: Held): Promise<Held> => {
      const { body } = await t.call('POST', 'step-up', { token: held.pair.access, body: { password } })
      return { sessionId: '', pair: { access: body.access_token, refresh: body.refresh_token } }
    }
    const olds = {
      'the old access token': ways['the access token'],
      'the old refresh token': ways['the refresh token in the body'],
    }
    for (const [name, show] of Object.entries(olds)) {
      test(`with ${name} follows to the new id within the window, however often it was renewed`, async () => {
        const renewed = await renew(await renew(scene.self))
        assert.equal((await logOut(show?.(scene.self))).status, 200)
        assert.ok(await isOut(renewed))
        assert.equal(await open(scene.other), 200)
      })

      test(`with ${name} follows no more when the window is over: an old copy ends nothing`, async () => {
        const renewed = await renew(scene.self)
        t.clock.advance(10 * second)
        assert.equal((await logOut(show?.(scene.self))).status, 200)
        assert.equal(await open(renewed), 200)
      })
    }
  })

  test('holds for good: the session does not come back with a refresh that was under way', async () => {
    t.clock.advance(11 * second)
    const [refreshed] = await Promise.all([refresh(t, scene.self), logOut({ token: scene.self.pair.access })])
    const held = {
      sessionId: '',
      pair: {
        access: refreshed.body.access_token ?? 'a.b.c',
        refresh: refreshed.body.refresh_token ?? 'gwr_',
      },
    }
    assert.ok(await isOut(held))
    assert.ok(await isOut(scene.self))
  })
})

describe('a user at the limit of 100 sessions', () => {
  test('who signs in once more is let in, and the longest unused session is not', async () => {
    const oldest = scene.self
    for (let n = 0; n < 97; n++) {
      t.clock.advance(1)
      await signIn(t, scene.userId)
    }
    assert.equal(await open(oldest), 200)
    // Used again, it is no longer the one unused for longest.
    await renewPair(t, oldest)
    t.clock.advance(1)
    const answer = await t.call('POST', 'login', { body: { username: scene.username, password } })
    assert.equal(answer.status, 200)
    const gone = await Promise.all([scene.other, scene.third].map(open))
    assert.deepEqual(gone.sort(), [200, 401])
    assert.equal(await open(oldest), 200)
    assert.equal((await list(oldest)).length, 100)
  })

  test('lets in twenty sign-ins at once, and the twenty longest unused make room', async () => {
    const { id: userId } = await addUser(t.engine, 'crowd')
    const olds: string[] = []
    for (let n = 0; n < 100; n++) {
      t.clock.advance(1)
      olds.push((await signIn(t, userId)).sessionId)
    }
    // By a token, and not written yet.
    const used = olds[3] ?? ''
    t.engine.uses.note(used, { at: t.clock.now(), address: '' })
    t.clock.advance(1)
    const news = await Promise.all(Array.from({ length: 20 }, () => signIn(t, userId)))
    for (const held of news) assert.equal(await open(held), 200)
    const live = await t.engine.db
      .selectFrom('sessions')
      .select('id')
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .execute()
    const expected = [...olds.slice(21), used, ...news.map(({ sessionId }) => sessionId)]
    assert.deepEqual(live.map(({ id }) => id).sort(), expected.sort())
  })
})

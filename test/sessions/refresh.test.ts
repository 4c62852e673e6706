import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changeRoles, disableUser } from 'gatewright/administration'
import { inTransaction } from 'gatewright/transaction'
import { pino } from 'pino'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { day, hour, minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { newSecret, systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { recordCutOffs } from '../../packages/gatewright/src/revocation/cut-offs.ts'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'
import { lockUser } from '../../packages/gatewright/src/users/users.ts'
import { exchange, listen } from '../attacks/raw-http.ts'
import { testsDatabase } from '../environment.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'
import { addUser, type SignedIn, signInAs } from './signed-in.ts'

const window = 10 * second

type World = { readonly t: TestApp; readonly second: SecondConnection }

const open = async (...args: Parameters<typeof startTestApp>): Promise<World> => {
  const t = await startTestApp(...args)
  return { t, second: openSecondConnection(t.engine) }
}
const close = async ({ t, second }: World): Promise<void> => {
  second.close()
  await t.close()
}

let world: World
before(async () => {
  world = await open()
})
after(() => close(world))

let users = 0
const newUser = async ({ t }: World): Promise<string> => (await addUser(t.engine, `user${++users}`)).id

const refresh = ({ t }: World, token: string): Promise<Answer> =>
  t.call('POST', 'refresh', { body: { refresh_token: token } })

const claimsOf = (accessToken: string) =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())

const isLetIn = async ({ t }: World, access: string): Promise<boolean> =>
  (await t.call('GET', 'protected', { token: access })).status === 200

type Rotated = SignedIn & {
  /** The refresh tokens of the generations 1, 2, …; the last one is live since now. */
  readonly tokens: readonly string[]
}

const signInAndRotate = async (on: World, userId: string, rotations: number): Promise<Rotated> => {
  const session = await signInAs(on.t.engine, userId)
  const tokens = [session.refresh]
  for (let n = 0; n < rotations; n++) {
    on.t.clock.advance(window)
    const answer = await refresh(on, tokens.at(-1) ?? '')
    assert.equal(answer.status, 200, answer.text)
    tokens.push(answer.body.refresh_token)
  }
  return { ...session, tokens }
}

const getSession = ({ second }: World, id: string) => second.row('select * from sessions where id = ?', id)
/** What happened to the session; that its tokens were refused is counted beside it. */
const listEvents = ({ second }: World, id: string) =>
  second.rows(
    "select event, reason from audit_events where session_id = ? and event <> 'credential.refused' order by id",
    id,
  )
const countEvents = ({ second }: World, id: string, event: string) =>
  second.rows('select 1 from audit_events where session_id = ? and event = ?', id, event).length

describe('what a refresh token gets by its generation and its age', () => {
  type Row = {
    readonly shown: string
    /** Counted back from the live one. */
    readonly behind: number
    readonly wait: number
    readonly gets: 'the live token' | 'the next token' | 'refresh_token_reused'
    readonly window?: 0
  }
  const rows: readonly Row[] = [
    { shown: 'the live one, at once', behind: 0, wait: 0, gets: 'the live token' },
    {
      shown: 'the live one, in the last moment of the window',
      behind: 0,
      wait: window - 1,
      gets: 'the live token',
    },
    { shown: 'the live one, when the window is over', behind: 0, wait: window, gets: 'the next token' },
    { shown: 'the live one, after days', behind: 0, wait: 13 * day, gets: 'the next token' },
    { shown: 'the one before, at once', behind: 1, wait: 0, gets: 'the live token' },
    {
      shown: 'the one before, in the last moment of the window',
      behind: 1,
      wait: window - 1,
      gets: 'the live token',
    },
    {
      shown: 'the one before, when the window is over',
      behind: 1,
      wait: window,
      gets: 'refresh_token_reused',
    },
    { shown: 'the one before, after days', behind: 1, wait: 13 * day, gets: 'refresh_token_reused' },
    { shown: 'the one before that, at once', behind: 2, wait: 0, gets: 'refresh_token_reused' },
    { shown: 'the one before that, after the window', behind: 2, wait: window, gets: 'refresh_token_reused' },
    { shown: 'the very first, at once', behind: 3, wait: 0, gets: 'refresh_token_reused' },
    {
      shown: 'the live one, at once, without a window',
      behind: 0,
      wait: 0,
      gets: 'the next token',
      window: 0,
    },
    {
      shown: 'the one before, at once, without a window',
      behind: 1,
      wait: 0,
      gets: 'refresh_token_reused',
      window: 0,
    },
  ]
  let strict: World
  before(async () => {
    strict = await open({ refreshRetryWindow: 0 })
  })
  after(() => close(strict))

  for (const { shown, behind, wait, gets, window: width } of rows)
    test(`${shown}: ${gets}`, async () => {
      const on = width === 0 ? strict : world
      const userId = await newUser(on)
      const { sessionId, tokens } = await signInAndRotate(on, userId, 3)
      const other = await signInAs(on.t.engine, userId)
      on.t.clock.advance(wait)
      const answer = await refresh(on, tokens[3 - behind] ?? '')
      const row = getSession(on, sessionId)

      if (gets === 'refresh_token_reused') {
        assert.deepEqual([answer.status, answer.body.code], [401, gets])
        assert.deepEqual([row?.end_reason, row?.ended_at], [gets, on.t.clock.now()])
        assert.equal(getSession(on, other.sessionId)?.ended_at, null, 'the other session lives')
        return
      }
      assert.equal(answer.status, 200, answer.text)
      assert.equal(answer.body.refresh_token === tokens[3], gets === 'the live token')
      assert.equal(row?.generation, gets === 'the live token' ? 4 : 5)
      assert.ok(await isLetIn(on, answer.body.access_token))
    })
})

describe('a caller who has gone away while the request was held up', () => {
  let port: number
  before(async () => {
    port = await listen(world.t)
  })

  /** SQLite's one writer takes who waits in turn. */
  const isWaiting = (): boolean =>
    testsDatabase.kind === 'sqlite' ||
    world.second.rows(
      "select 1 as waits from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    ).length > 0

  /** Shows the token, hangs up, and is judged only then, as by a process that stood still. */
  const showAndHangUp = async (userId: string, token: string): Promise<void> => {
    const [held, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const holding = inTransaction(world.t.engine.db, async work => {
      await lockUser(work, userId)
      begun.resolve()
      await held.promise
    })
    await begun.promise
    const body = JSON.stringify({ refresh_token: token })
    const head = `POST /api/v1/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    const { status } = await exchange(port, `${head}\r\n\r\n${body}`, { hangUp: true })
    assert.equal(status, 0)
    await until('it waits for the lock', isWaiting)
    held.resolve()
    await holding
  }

  for (const [which, shown] of [
    ['an old', 0],
    ['the live', 2],
  ] as const)
    test(`is judged by nobody, and leaves no trace (${which} token): who asked again elsewhere does not look like a thief`, async () => {
      const userId = await newUser(world)
      const { sessionId, tokens } = await signInAndRotate(world, userId, 2)
      world.t.clock.advance(window)
      const [was, events] = [getSession(world, sessionId), listEvents(world, sessionId)]
      await showAndHangUp(userId, tokens[shown] ?? '')
      // Whoever comes after it has waited for it.
      await inTransaction(world.t.engine.db, work => lockUser(work, userId))
      assert.deepEqual([getSession(world, sessionId), listEvents(world, sessionId)], [was, events])
      assert.equal((await refresh(world, tokens[2] ?? '')).status, 200)
    })
})

describe('a retry inside the window', () => {
  test('gets the same refresh token and an access token of its own', async () => {
    const { tokens } = await signInAndRotate(world, await newUser(world), 1)
    const [old = '', live] = tokens
    const answers = [await refresh(world, old), await refresh(world, live ?? ''), await refresh(world, old)]
    for (const { body } of answers) assert.equal(body.refresh_token, live)
    const ids = answers.map(({ body }) => claimsOf(body.access_token).jti)
    assert.equal(new Set(ids).size, answers.length)
  })

  test('gets the roles as they are now, not as they were when the token rotated', async () => {
    const userId = await newUser(world)
    const { tokens } = await signInAndRotate(world, userId, 1)
    await changeRoles(world.t.engine, { userId, roles: ['moderator'], origin: systemOrigin })
    const { body } = await refresh(world, tokens[0] ?? '')
    assert.deepEqual(claimsOf(body.access_token).roles, ['moderator'])
  })

  test('is written down as what it was', async () => {
    const { tokens, sessionId } = await signInAndRotate(world, await newUser(world), 1)
    await refresh(world, tokens[0] ?? '')
    await refresh(world, tokens[1] ?? '')
    const events = listEvents(world, sessionId).map(({ event }) => event)
    assert.deepEqual(events, [
      'session.started',
      'session.refreshed',
      'session.refresh-retried',
      'session.refreshed',
    ])
  })

  test('does not make the window longer', async () => {
    const { tokens } = await signInAndRotate(world, await newUser(world), 1)
    world.t.clock.advance(window - 1)
    assert.equal((await refresh(world, tokens[0] ?? '')).status, 200)
    world.t.clock.advance(1)
    assert.equal((await refresh(world, tokens[0] ?? '')).body.code, 'refresh_token_reused')
  })

  test('is not opened again by a clock that was set back', async () => {
    const { tokens } = await signInAndRotate(world, await newUser(world), 1)
    world.t.clock.advance(-hour)
    const answer = await refresh(world, tokens[0] ?? '')
    world.t.clock.advance(hour)
    assert.equal(answer.body.code, 'refresh_token_reused')
  })
})

describe('theft: an old copy of a refresh token is shown', () => {
  test('ends that session for thief and owner, and no other session or user', async () => {
    const userId = await newUser(world)
    const { tokens, sessionId } = await signInAndRotate(world, userId, 2)
    const live = await refresh(world, tokens[2] ?? '')
    const own = await signInAs(world.t.engine, userId)
    const stranger = await signInAs(world.t.engine, await newUser(world))
    assert.equal((await refresh(world, tokens[0] ?? '')).status, 401)

    assert.ok(!(await isLetIn(world, live.body.access_token)))
    for (const token of tokens) assert.equal((await refresh(world, token)).body.code, 'session_ended')
    assert.equal(getSession(world, sessionId)?.end_reason, 'refresh_token_reused')
    for (const kept of [own, stranger]) {
      assert.ok(await isLetIn(world, kept.access))
      assert.equal((await refresh(world, kept.refresh)).status, 200)
    }
  })

  test('leaves its trace: whoever reads after the refusal was answered finds the end and the event', async () => {
    const { tokens, sessionId } = await signInAndRotate(world, await newUser(world), 2)
    assert.equal((await refresh(world, tokens[0] ?? '')).status, 401)
    assert.equal(countEvents(world, sessionId, 'refresh-token.reused'), 1)
    assert.deepEqual(
      { ...listEvents(world, sessionId).at(-1) },
      {
        event: 'session.ended',
        reason: 'refresh_token_reused',
      },
    )
    assert.notEqual(getSession(world, sessionId)?.ended_at, null)
    assert.ok(world.second.row('select 1 from cut_offs where subject = ?', sessionId))
  })

  test('is told once: an ended session writes no second event, whichever token is shown', async () => {
    const { tokens, sessionId } = await signInAndRotate(world, await newUser(world), 2)
    await refresh(world, tokens[0] ?? '')
    const before = listEvents(world, sessionId)
    for (const token of [...tokens, ...tokens]) {
      const answer = await refresh(world, token)
      assert.deepEqual([answer.status, answer.body.code], [401, 'session_ended'])
    }
    assert.deepEqual(listEvents(world, sessionId), before)
  })

  test('by the thief first: the owner who comes second finds out', async () => {
    const { tokens } = await signInAndRotate(world, await newUser(world), 1)
    const stolen = tokens[1] ?? ''
    world.t.clock.advance(window)
    const thief = await refresh(world, stolen)
    assert.equal(thief.status, 200)
    world.t.clock.advance(window)
    assert.equal((await refresh(world, stolen)).body.code, 'refresh_token_reused')
    assert.ok(!(await isLetIn(world, thief.body.access_token)))
    assert.equal((await refresh(world, thief.body.refresh_token)).status, 401)
  })
})

describe('a refresh token ahead of the database', () => {
  for (const wait of [0, window])
    test(`says that the database went back, ${wait} ms after: 401, the session ends, with its trace`, async () => {
      const { tokens, sessionId } = await signInAndRotate(world, await newUser(world), 2)
      await world.second.run('update sessions set generation = generation - 1 where id = ?', sessionId)
      world.t.clock.advance(wait)
      const answer = await refresh(world, tokens[2] ?? '')
      assert.deepEqual([answer.status, answer.body.code], [401, 'session_ended'])
      assert.equal(countEvents(world, sessionId, 'refresh-token.ahead'), 1)
      assert.equal(getSession(world, sessionId)?.end_reason, 'refresh_token_ahead')
      assert.equal((await refresh(world, tokens[1] ?? '')).body.code, 'session_ended')
    })

  const alarmsOf = ({ t }: World, { body }: Answer) =>
    t.logLines
      .map(line => JSON.parse(line))
      .filter(line => line.level === pino.levels.values.error && line.request_id === body.request_id)

  test('raises the alarm: one line of level error that says what it means and what to do', async () => {
    const { tokens, sessionId } = await signInAndRotate(world, await newUser(world), 2)
    await world.second.run('update sessions set generation = 1 where id = ?', sessionId)
    const [alarm, ...more] = alarmsOf(world, await refresh(world, tokens[2] ?? ''))
    assert.equal(alarm.event, 'refresh-token.ahead')
    assert.match(alarm.msg, /^the database went back: .* older state .*do again .*docs\/troubleshooting\.md/)
    assert.deepEqual(more, [])
    assert.ok(!JSON.stringify(alarm).includes(tokens[2] ?? ''))
    const late = await refresh(world, tokens[2] ?? '')
    assert.deepEqual([late.status, alarmsOf(world, late)], [401, []], 'once for each session')
  })

  test('is no theft: that raises no alarm', async () => {
    const { tokens } = await signInAndRotate(world, await newUser(world), 2)
    const stolen = await refresh(world, tokens[0] ?? '')
    assert.equal(stolen.body.code, 'refresh_token_reused')
    assert.deepEqual(alarmsOf(world, stolen), [])
  })
})

describe('a token that we did not make is refused like any other', () => {
  const newSession = async () => signInAs(world.t.engine, await newUser(world))
  const refused = async (token: string): Promise<void> => {
    const answer = await refresh(world, token)
    assert.deepEqual([answer.status, answer.body.code], [401, 'invalid_token'])
  }

  test('when the random value of its session was changed in the database', async () => {
    const { refresh: token, sessionId } = await newSession()
    await world.second.run('update sessions set refresh_key = ? where id = ?', 'A'.repeat(43), sessionId)
    await refused(token)
  })

  test('when its session was put under another id', async () => {
    const { refresh: token, sessionId } = await newSession()
    const another = (sessionId.startsWith('A') ? 'B' : 'A') + sessionId.slice(1)
    await world.second.run('update sessions set id = ? where id = ?', another, sessionId)
    await refused(token)
  })

  test('when it was made on another installation', async () => {
    const elsewhere = await open()
    const { refresh: token } = await signInAs(elsewhere.t.engine, await newUser(elsewhere))
    await close(elsewhere)
    await refused(token)
  })

  const garbage: Record<string, (token: string, access: string) => string> = {
    'cut off': token => token.slice(0, -1),
    'with a space after it': token => `${token} `,
    'with one character changed': token =>
      `${token.slice(0, 40)}${token[40] === 'A' ? 'B' : 'A'}${token.slice(41)}`,
    'without its prefix': token => token.slice(4),
    'in the alphabet of plain base64': token => `${token.slice(0, -2)}+/`,
    'that is an access token': (_, access) => access,
    'of one letter': () => 'x',
    'of a thousand letters': () => `gwr_${'A'.repeat(1_000)}`,
    'in another script': () => 'gwr_ключ',
  }
  for (const [name, spoil] of Object.entries(garbage))
    test(name, async () => {
      const { refresh: token, access } = await newSession()
      await refused(spoil(token, access))
    })

  test('and ends nothing', async () => {
    const { refresh: token, access } = await newSession()
    await refused(token.slice(0, -1))
    assert.ok(await isLetIn(world, access))
    assert.equal((await refresh(world, token)).status, 200)
  })
})

describe('where the token stands', () => {
  test('it may stand in Authorization: Bearer with an empty body', async () => {
    const { refresh: token } = await signInAs(world.t.engine, await newUser(world))
    const answer = await world.t.call('POST', 'refresh', { token })
    assert.equal(answer.status, 200, answer.text)
  })

  test('two different ones are refused, and neither session rotates or ends', async () => {
    const userId = await newUser(world)
    const [a, b] = [await signInAs(world.t.engine, userId), await signInAs(world.t.engine, userId)]
    const answer = await world.t.call('POST', 'refresh', {
      token: a.refresh,
      body: { refresh_token: b.refresh },
    })
    assert.deepEqual([answer.status, answer.body.code], [400, 'several_credentials'])
    for (const { sessionId } of [a, b]) assert.equal(listEvents(world, sessionId).length, 1)
  })

  const bodies: Record<string, { readonly body: unknown; readonly status: number }> = {
    'no token at all': { body: {}, status: 401 },
    'an empty token': { body: { refresh_token: '' }, status: 400 },
    'a token that is no text': { body: { refresh_token: 1 }, status: 400 },
    'a list of tokens': { body: { refresh_token: ['gwr_a'] }, status: 400 },
    'an unknown field': { body: { refresh_token: 'gwr_a', roles: ['admin'] }, status: 400 },
    'more than 1,024 characters': { body: { refresh_token: `gwr_${'A'.repeat(1_021)}` }, status: 400 },
  }
  for (const [name, { body, status }] of Object.entries(bodies))
    test(`${name}: ${status}`, async () => {
      assert.equal((await world.t.call('POST', 'refresh', { body })).status, status)
    })
})

describe('a session ends by the clock', () => {
  const times = { sessionIdleTtl: hour, sessionMaxTtl: 3 * hour }
  let short: World
  before(async () => {
    short = await open(times)
  })
  after(() => close(short))

  test('when it was not refreshed for the idle time, and its trace says so', async () => {
    const { refresh: token, sessionId } = await signInAs(short.t.engine, await newUser(short))
    short.t.clock.advance(hour - 1)
    const last = await refresh(short, token)
    assert.equal(last.status, 200)
    short.t.clock.advance(hour)
    assert.equal((await refresh(short, last.body.refresh_token)).body.code, 'session_ended')
    assert.deepEqual({ ...listEvents(short, sessionId).at(-1) }, { event: 'session.ended', reason: 'idle' })
    short.t.clock.advance(-hour)
    assert.equal((await refresh(short, last.body.refresh_token)).status, 401, 'it stays ended')
  })

  test('at its last day, however often it was refreshed, and no token outlives it', async () => {
    const { refresh: first, sessionId } = await signInAs(short.t.engine, await newUser(short))
    const expiresAt = Number(getSession(short, sessionId)?.expires_at)
    let token = first
    for (let n = 0; n < 5; n++) {
      short.t.clock.advance(hour / 2)
      const { status, body } = await refresh(short, token)
      assert.equal(status, 200)
      assert.ok(claimsOf(body.access_token).exp * 1_000 <= expiresAt)
      token = body.refresh_token
    }
    short.t.clock.advance(hour / 2 - minute)
    const late = await refresh(short, token)
    assert.equal(late.status, 200)
    assert.ok(late.body.expires_in <= 60)
    short.t.clock.advance(minute)
    assert.equal((await refresh(short, late.body.refresh_token)).body.code, 'session_ended')
    assert.deepEqual(
      { ...listEvents(short, sessionId).at(-1) },
      { event: 'session.ended', reason: 'expired' },
    )
  })
})

test('a refresh is no sign-in: the time of the sign-in stays', async () => {
  const { access, tokens } = await signInAndRotate(world, await newUser(world), 1)
  const { body } = await refresh(world, tokens[1] ?? '')
  const claims = claimsOf(body.access_token)
  assert.equal(claims.auth_time, claimsOf(access).auth_time)
  assert.ok(claims.iat > claims.auth_time)
})

test('a disabled user is not refreshed', async () => {
  const userId = await newUser(world)
  const { refresh: token } = await signInAs(world.t.engine, userId)
  await disableUser(world.t.engine, { userId, origin: systemOrigin })
  assert.equal((await refresh(world, token)).body.code, 'session_ended')
})

describe('a session that has not ended is not refreshed', () => {
  const refuse = async (cause: (userId: string) => Promise<unknown>): Promise<void> => {
    const userId = await newUser(world)
    const self = await signInAs(world.t.engine, userId)
    await cause(userId)
    assert.equal((await refresh(world, self.refresh)).body.code, 'session_ended')
    assert.equal(getSession(world, self.sessionId)?.generation, 1)
  }

  test('when its user is disabled', () =>
    refuse(userId =>
      world.t.engine.db.updateTable('users').set({ disabled_at: 1 }).where('id', '=', userId).execute(),
    ))

  test('when a cut-off names its user', () =>
    refuse(subject => {
      const { engine, clock } = world.t
      const cutOff = { kind: 'user', subject, version: 2, promisedUntil: clock.now() + hour } as const
      return inTransaction(engine.db, work => recordCutOffs(engine, work, [cutOff]))
    }))
})

describe('where nothing can be signed', () => {
  const spoil = async (on: World): Promise<() => Promise<unknown>> => {
    const { db } = on.t.engine
    const rows = await db.selectFrom('signing_keys').select(['kid', 'private_key']).execute()
    await db.updateTable('signing_keys').set({ private_key: 'spoiled' }).execute()
    on.t.clock.advance(2 * minute)
    return () =>
      Promise.all(
        rows.map(({ kid, private_key }) =>
          db.updateTable('signing_keys').set({ private_key }).where('kid', '=', kid).execute(),
        ),
      )
  }

  const changes: Readonly<Record<string, (on: World, caller: Caller) => Promise<Answer>>> = {
    refresh: (on, caller) => refresh(on, caller.refresh),
    'step-up': (on, { access: token }) => on.t.call('POST', 'step-up', { token, body: { password } }),
  }
  for (const [name, change] of Object.entries(changes))
    test(`a ${name} changes nothing: the refresh token stays good, however late it is shown again`, async owner => {
      const on = await open()
      owner.after(() => close(on))
      const caller = await signUp(on.t, 'alice')
      const mend = await spoil(on)
      assert.equal((await change(on, caller)).status, 503)
      on.t.clock.advance(2 * window)
      await mend()
      const { status, body } = await refresh(on, caller.refresh)
      assert.equal(status, 200, body.code)
    })
})

test('ending all other sessions closes the window: the token before the live one is theft at once', async () => {
  const { tokens } = await signInAndRotate(world, await newUser(world), 1)
  const { body } = await refresh(world, tokens[1] ?? '')
  assert.equal((await world.t.call('DELETE', 'sessions', { token: body.access_token })).status, 204)
  assert.equal((await refresh(world, tokens[0] ?? '')).body.code, 'refresh_token_reused')
})

describe('the limit of a session', () => {
  const most = 60

  test('counts only tokens of ours, so that a stranger who knows the id can not use it up', async () => {
    const on = await open({ limitsScale: 1 })
    const { refresh: token, sessionId } = await signInAs(on.t.engine, await newUser(on))
    const guessed = { id: sessionId, refresh_key: newSecret(systemRandom) }
    const forged = makeRefreshToken(on.t.engine.secrets, guessed, 1)
    for (let n = 0; n <= most; n++) assert.equal((await refresh(on, forged)).status, 401)
    for (let n = 0; n < most; n++) assert.equal((await refresh(on, token)).status, 200)
    const refused = await refresh(on, token)
    assert.deepEqual(
      [refused.status, refused.body.code, refused.headers['retry-after']],
      [429, 'rate_limited', '1'],
    )
    const { refresh: other } = await signInAs(on.t.engine, await newUser(on))
    assert.equal((await refresh(on, other)).status, 200, 'another session is not affected')
    on.t.clock.advance(second)
    assert.equal((await refresh(on, token)).status, 200)
    await close(on)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { findEventsOfRequest } from '../../packages/gatewright/src/administration/find-request.ts'
import { forcePasswordChange } from '../../packages/gatewright/src/administration/force-password-change.ts'
import { disableUser } from '../../packages/gatewright/src/administration/users.ts'
import { auditEvents } from '../../packages/gatewright/src/audit/events.ts'
import { toNewEvent } from '../../packages/gatewright/src/audit/new-event.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { toTimestamp } from '../../packages/gatewright/src/ground/clock.ts'
import { type AccessToken, createAccessTokens } from '../../packages/gatewright/src/tokens/access-token.ts'
import { newApiKey } from '../../packages/gatewright/src/tokens/api-key.ts'
import { addService } from '../administration/added-service.ts'
import { giveKey } from '../api-keys/given.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { type Answer, type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { readTables } from '../table-contents.ts'

let t: TestApp
let chief: Caller
let claims: AccessToken
before(async () => {
  t = await startTestApp({ adminSecondFactor: 'required' })
  chief = await signUp(t, 'chief', ['admin'])
  claims = await t.engine.accessTokens.verify(chief.access)
})
after(() => t.close())

/** An administrator's token as of a sign-in at this moment, with a second factor. */
const tokenOfChief = async (): Promise<string> => {
  const now = t.clock.now()
  const sign = await t.engine.accessTokens.getSign()
  return sign({ ...claims, amr: ['pwd', 'otp', 'mfa'], authTime: now, expiresAt: now + 10 * minute })
}

const ask = async (body: object): Promise<Answer> =>
  t.call('POST', 'admin/explain', { token: await tokenOfChief(), body })

const explain = async (body: object) => {
  const answer = await ask(body)
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

/** What is said in short: the code, and the lines of what was asked. */
type Part = {
  readonly text: string
  readonly why: string | null
  readonly held: boolean
  readonly depth: number
}
const linesOf = ({ parts }: { readonly parts: readonly Part[] }): readonly string[] =>
  parts.map(({ text, why, held }) => `${held ? 'yes' : 'no'}: ${text}${why === null ? '' : ` (${why})`}`)

const write = async ({ access }: Caller, published: boolean): Promise<string> => {
  const body = { title: 'Hello', content: 'Text', published }
  return (await t.call('POST', 'posts', { token: access, body })).body.id
}

describe('why a user may do something, or not', () => {
  test('is told of a service as what its keys may at most', async () => {
    const { name } = await addService(t.engine, ['user'])
    const yes = await explain({ user: name, permission: 'users:read' })
    assert.deepEqual([yes.allowed, yes.principal.kind], [true, 'api-key'])
    assert.equal((await explain({ user: name, permission: 'posts:moderate' })).allowed, false)
    assert.equal((await explain({ user: name, route: 'GET /api/v1/me' })).code, 'insufficient_permission')
  })

  test('is told by permission, with the roles that give it or would', async () => {
    const bob = await signUp(t, freshName(), ['user', 'moderator'])
    const yes = await explain({ user: bob.username, permission: 'posts:write' })
    assert.deepEqual([yes.allowed, yes.code, yes.reason], [true, null, null])
    assert.ok(linesOf(yes).includes('yes: permission posts:write (roles moderator, user give posts:write)'))
    const no = await explain({ user: bob.username, permission: 'roles:write' })
    assert.deepEqual([no.allowed, no.code], [false, 'insufficient_permission'])
    assert.ok(
      linesOf(no).includes(
        'no: permission roles:write (held: moderator, user, which do not give it; of the roles, admin would)',
      ),
    )
    assert.deepEqual(no.principal.roles, ['moderator', 'user'])
    assert.deepEqual(no.principal.permissions, [
      'posts:moderate',
      'posts:write',
      'todos:read',
      'todos:write',
      'users:read',
    ])
  })

  test('names what is withheld until a second factor, and gives it to who has one', async () => {
    const carol = await signUp(t, freshName(), ['admin'])
    const asked = { user: carol.username, permission: 'users:write' }
    const no = await explain(asked)
    assert.equal(no.code, 'second_factor_required')
    assert.match(linesOf(no).join(), /role admin gives users:write, withheld until the session has shown/)
    assert.ok(no.principal.withheld.includes('users:write'))
    await plantTotp(t.engine, carol.id)
    assert.equal((await explain(asked)).allowed, true)
  })

  test("of another's draft nothing is told to its reader, and all to the administrator", async () => {
    const [ann, bob] = [await signUp(t, freshName()), await signUp(t, freshName())]
    const route = `PUT /api/v1/posts/${await write(ann, false)}`
    const no = await explain({ user: bob.username, route })
    assert.deepEqual([no.allowed, no.code, no.asked], [false, 'not_found', 'PUT /api/v1/posts/:id'])
    assert.equal(
      no.rule,
      "by users, API keys and OAuth clients: (owner of the post and (a user's own session or permission posts:write)) or permission posts:moderate",
    )
    assert.ok(linesOf(no).includes("no: owner of the post (the post is somebody else's, and private)"))
    assert.equal((await explain({ user: ann.username, route })).allowed, true)
  })

  test('says who is disabled, and since when', async () => {
    const bob = await signUp(t, freshName())
    await disableUser(t.engine, { userId: bob.id, origin })
    const no = await explain({ user: bob.username, permission: 'posts:write' })
    assert.deepEqual([no.allowed, no.code], [false, 'session_ended'])
    assert.match(linesOf(no)[0] ?? '', /^no: the user is not disabled \(disabled at \d{4}-/)
  })

  test('says whose sign-in would ask for a new password before anything else', async () => {
    const bob = await signUp(t, freshName())
    await forcePasswordChange(t.engine, { userId: bob.id, origin })
    const no = await explain({ user: bob.username, permission: 'posts:write' })
    assert.deepEqual([no.allowed, no.code], [false, 'password_change_required'])
    assert.equal(linesOf(no)[0], 'no: no new password is due (every sign-in asks for one first)')
  })

  test('counts for nobody who shows no credential', async () => {
    assert.equal((await explain({ route: 'GET /api/v1/me' })).code, 'invalid_token')
    assert.equal((await explain({ route: 'GET /api/v1/posts' })).allowed, true)
    assert.equal((await explain({ permission: 'users:read' })).principal, null)
  })

  test('knows no route that the router does not', async () => {
    for (const route of ['GET /api/v1/nowhere', 'PATCH /api/v1/todos', 'GET /api/v1/me/', 'GET /API/v1/me'])
      assert.deepEqual(
        [(await explain({ user: chief.username, route })).code, (await explain({ route })).reason],
        ['not_found', 'no_route'],
        route,
      )
    assert.equal((await explain({ user: chief.username, route: 'GET /api/v1/users?page=2' })).allowed, true)
  })
})

describe('whether a credential is good', () => {
  const judge = async (token: string, more: object = {}) => explain({ token, ...more })

  test('is told of an access token, and whose it is', async () => {
    const bob = await signUp(t, freshName())
    const { credential, principal, allowed } = await judge(bob.access)
    assert.deepEqual([allowed, credential.kind, credential.valid], [true, 'access-token', true])
    assert.deepEqual([principal.username, credential.user_id], [bob.username, bob.id])
  })

  test('with what its session has shown: an old sign-in is not recent', async () => {
    const bob = await signUp(t, freshName())
    t.clock.advance(8 * minute)
    const route = 'DELETE /api/v1/me'
    assert.equal((await judge(bob.access, { route })).allowed, true)
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: bob.refresh } })
    t.clock.advance(3 * minute)
    const no = await judge(body.access_token, { route })
    assert.equal(no.code, 'insufficient_user_authentication')
    assert.ok(
      linesOf(no).includes('no: signed in within 10 minutes (signed in 11 minutes ago, at most 10 minutes)'),
    )
  })

  test('a session from before the second factor of its user is told why it is not fresh', async () => {
    const bob = await signUp(t, freshName())
    await plantTotp(t.engine, bob.id)
    await t.engine.db.updateTable('sessions').set({ amr: 'pwd' }).where('user_id', '=', bob.id).execute()
    const no = await judge(bob.access, { route: 'DELETE /api/v1/me' })
    assert.deepEqual([no.code, no.reason], ['insufficient_user_authentication', 'factor_not_shown'])
    assert.match(linesOf(no).at(-1) ?? '', /the user has one, and this session has not shown it/)
  })

  test('an expired one says so, and that its session lives', async () => {
    const bob = await signUp(t, freshName())
    t.clock.advance(11 * minute)
    const { credential } = await judge(bob.access)
    assert.deepEqual(
      [credential.valid, credential.code, credential.reason, credential.ended_at],
      [false, 'token_expired', 'token_expired', null],
    )
    assert.equal(credential.user_id, bob.id)
  })

  test('one of an ended session says by what it ended, and when', async () => {
    const bob = await signUp(t, freshName())
    const at = toTimestamp(t.clock.now())
    await t.call('POST', 'logout', { token: bob.access })
    const no = await judge(bob.access, { permission: 'posts:write' })
    assert.deepEqual([no.code, no.reason, no.principal], ['session_ended', 'cut_off', null])
    assert.deepEqual([no.credential.end_reason, no.credential.ended_at], ['logout', at])
  })

  test('one of a user disabled since is ended, not expired', async () => {
    const bob = await signUp(t, freshName())
    await disableUser(t.engine, { userId: bob.id, origin })
    const { credential } = await judge(bob.access)
    assert.deepEqual([credential.code, credential.end_reason], ['session_ended', 'user_disabled'])
    assert.match(credential.end_story, /^20\S+Z.*: \S+’s session.* ended because .+ disabled the user\.$/)
  })

  test('is told of an API key, with what it and its owner both may', async () => {
    const bob = await signUp(t, freshName())
    const key = await giveKey(t, bob.id, { permissions: ['todos:read', 'users:write'] })
    const yes = await judge(key, { route: 'GET /api/v1/todos' })
    assert.deepEqual(
      [yes.allowed, yes.principal.kind, yes.principal.permissions],
      [true, 'api-key', ['todos:read']],
    )
    assert.deepEqual([yes.credential.user_id, yes.credential.session_id], [bob.id, null])
    for (const [route, code] of [
      ['POST /api/v1/todos', 'insufficient_permission'],
      ['GET /api/v1/me', 'insufficient_permission'],
      ['GET /api/v1/admin/users', 'insufficient_permission'],
    ] as const) {
      const [method = '', path = ''] = route.split(' ')
      const sent = await t.call(method, path, { headers: { 'x-api-key': key }, body: { title: 'x' } })
      assert.deepEqual([(await judge(key, { route })).code, sent.body.code], [code, code], route)
    }
    const [used] = await t.engine.db
      .selectFrom('api_keys')
      .select('last_used_at')
      .where('user_id', '=', bob.id)
      .execute()
    assert.equal(used?.last_used_at, null)
  })

  const badKeys: readonly (readonly [string, (bob: Caller) => Promise<string>, string])[] = [
    ['half of one', async () => 'gwk_half', 'key_form'],
    ['one that nobody gave', async () => newApiKey(t.engine.random).key, 'key_unknown'],
    ['an expired one', async ({ id }) => giveKey(t, id, { expiresAt: t.clock.now() - 1 }), 'key_expired'],
    [
      'one of a disabled owner',
      async ({ id }) => {
        const key = await giveKey(t, id)
        await disableUser(t.engine, { userId: id, origin })
        return key
      },
      'key_ended',
    ],
  ]
  for (const [what, make, reason] of badKeys)
    test(`of API keys, ${what} is told why, to administrators alone`, async () => {
      const key = await make(await signUp(t, freshName()))
      const { code, credential, principal } = await judge(key, { permission: 'todos:read' })
      assert.deepEqual([code, credential.reason, principal], ['invalid_token', reason, null])
      const sent = await t.call('GET', 'todos', { headers: { 'x-api-key': key } })
      assert.deepEqual([sent.status, sent.body.code], [401, 'invalid_token'])
      assert.ok(!sent.text.includes(reason))
    })

  test('an API key shown from an address that it is not allowed from is told so, where one is named', async () => {
    const bob = await signUp(t, freshName())
    const token = await giveKey(t, bob.id, { allowedAddresses: ['192.0.2.0/24'] })
    assert.equal((await judge(token)).allowed, true)
    assert.equal((await judge(token, { address: '192.0.2.9' })).allowed, true)
    assert.equal((await judge(token, { address: '198.51.100.1' })).reason, 'key_address')
  })

  /** Signed by the key of this installation, for another of its services. */
  const tokenFromElsewhere = async ({ keyRing, clock, random, publicUrl }: Engine, { access }: Caller) => {
    const other = createAccessTokens({
      issuer: publicUrl,
      audience: 'https://other.example',
      keyRing,
      clock,
      random,
    })
    return (await other.getSign())(await t.engine.accessTokens.verify(access))
  }

  const madeUp: readonly (readonly [string, string, string, string])[] = [
    ['no token at all', 'nonsense', 'access-token', 'token_parts'],
    ['a forged signature', 'forged', 'access-token', 'token_signature'],
    ['a token for another audience', 'elsewhere', 'access-token', 'token_audience'],
    ['half a cookie', 'gws_half', 'session-cookie', 'cookie_form'],
    ['a refresh token', 'refresh', 'refresh-token', 'refresh_token'],
  ]
  for (const [what, shown, kind, reason] of madeUp)
    test(`${what} is told why, and stands for nobody`, async () => {
      const bob = await signUp(t, freshName())
      const [head = '', body = ''] = bob.access.split('.')
      const texts: Record<string, string> = {
        forged: `${head}.${body}.${'A'.repeat(86)}`,
        refresh: bob.refresh,
        elsewhere: await tokenFromElsewhere(t.engine, bob),
      }
      const said = await judge(texts[shown] ?? shown)
      assert.deepEqual(
        [said.allowed, said.code, said.credential.kind, said.credential.reason, said.principal],
        [false, 'invalid_token', kind, reason, null],
      )
    })

  test('a cookie is judged, is not used by that, and is not ended by the clock', async () => {
    const { username } = await signUp(t, freshName())
    const headers = { origin: t.engine.publicUrl }
    const made = await t.call('POST', 'sessions', { headers, body: { username, password } })
    const cookie = /gw_session=([^;]+)/.exec(String(made.headers['set-cookie']))?.[1] ?? ''
    t.clock.advance(20 * minute)
    const before = await readTables(t)
    const said = await judge(cookie)
    assert.deepEqual(
      [said.allowed, said.credential.kind, said.principal?.username],
      [true, 'session-cookie', username],
    )
    t.clock.advance(t.engine.settings.sessionIdleTtl)
    const over = await judge(cookie)
    assert.deepEqual([over.code, over.reason], ['session_ended', 'idle'])
    const after = await readTables(t)
    const changed = [...after].filter(([table, rows]) => before.get(table) !== rows).map(([table]) => table)
    assert.deepEqual(changed, ['audit_events', 'audit_personal'])
  })
})

describe('a request, by the id of its answer', () => {
  const eventsOf = async (requestId: string) =>
    (await findEventsOfRequest(t.engine.db, requestId)).map(({ event, reason }) => [event, reason])

  test('is found by the events that it left', async () => {
    const { body } = await t.call('POST', 'login', { body: { username: 'chief', password: 'a wrong one' } })
    assert.deepEqual(await eventsOf(body.request_id), [['sign-in.failed', 'wrong_password']])
  })

  test('is found as the last of those that a row counts, and no other is that differs by a sign', async () => {
    const [last, alike] = ['a_cdefghijklmnopqrstuv', 'axcdefghijklmnopqrstuv']
    const details = { count: 7, last_request_id: last }
    const entry = { at: t.clock.now(), event: 'credential.refused', origin, reason: 'token_expired' }
    const { row } = toNewEvent(auditEvents, { ...entry, details })
    await t.engine.db.insertInto('audit_events').values(row).execute()
    assert.deepEqual(await eventsOf(last), [['credential.refused', 'token_expired']])
    assert.deepEqual(await eventsOf(alike), [])
    const other = { ...row, details: JSON.stringify({ last_request_id: alike }) }
    await t.engine.db.insertInto('audit_events').values(other).execute()
    assert.equal((await eventsOf(last)).length, 1)
  })
})

describe('what is asked wrongly', () => {
  const rows: readonly (readonly [object, string])[] = [
    [{}, '/permission'],
    [{ user: 'chief' }, '/permission'],
    [{ user: 'chief', permission: 'posts:moderat' }, '/permission'],
    [{ user: 'chief', token: 'x', permission: 'users:read' }, '/token'],
    [{ user: 'chief', permission: 'users:read', route: 'GET /api/v1/me' }, '/route'],
    [{ user: 'chief', route: '/api/v1/me' }, '/route'],
    [{ user: 'chief', route: 'get /api/v1/me' }, '/route'],
    [{ token: 'x', address: 'here' }, '/address'],
    [{ token: '' }, '/token'],
    [{ token: 'x'.repeat(9_001) }, '/token'],
  ]
  for (const [body, path] of rows)
    test(`is refused with 400 at ${path}: ${JSON.stringify(body).slice(0, 80)}`, async () => {
      const answer = await ask(body)
      assert.deepEqual(
        [answer.status, answer.body.code, answer.body.errors?.[0]?.path],
        [400, 'validation_failed', path],
      )
    })

  test('a user whom nobody knows is 404', async () => {
    const answer = await ask({ user: 'nobody-here', permission: 'users:read' })
    assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'])
  })
})

describe('a thief of the log or of the database', () => {
  test('finds no credential that was pasted, good or bad, in a body, a misspelt one or a refused request', async () => {
    const bob = await signUp(t, freshName())
    const secrets = [bob.access, bob.refresh, `gws_${'s'.repeat(48)}`, `gwk_${'k'.repeat(48)}`]
    for (const token of secrets) {
      assert.equal((await ask({ token, permission: 'users:read' })).status, 200)
      assert.equal((await ask({ token, permission: 'nothing' })).status, 400)
      assert.equal((await ask({ tokn: token })).status, 400)
      assert.equal(
        (await t.call('POST', 'admin/explain', { token: bob.access, body: { token } })).status,
        403,
      )
    }
    const stored = [...(await readTables(t)).values(), ...t.logLines].join('\n')
    for (const secret of secrets) assert.ok(!stored.includes(secret.slice(-40)), secret)
  })
})

describe('who may ask', () => {
  test('is whoever administers users, signed in just now, and nobody else', async () => {
    const body = { user: 'chief', permission: 'users:write' }
    const moderator = await signUp(t, freshName(), ['moderator'])
    const withheld = await signUp(t, freshName(), ['admin'])
    const codeOf = async (token: string) => (await t.call('POST', 'admin/explain', { token, body })).body.code
    assert.equal(await codeOf(moderator.access), 'insufficient_permission')
    assert.equal(await codeOf(withheld.access), 'second_factor_required')
  })
})

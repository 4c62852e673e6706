import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { day, minute, second } from 'gatewright/clock'
import { revokeKey, rotateKeys } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import {
  type Answer,
  type Call,
  type Caller,
  password,
  signUp,
  startTestApp,
  type TestApp,
} from '../harness.ts'
import { freshName, makeOwner, sessionIdOf } from '../senders.ts'
import { type Browser, browse, openBrowser, sessionIdOf as sessionIdOfTab } from '../sessions/browser.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { forgeries } from './forged-tokens.ts'
import { createForger, type Forger } from './forger.ts'

let t: TestApp
let connection: SecondConnection
let alice: Caller
let forger: Forger
let hosts = 0
/** An address of its own for each test: what comes from one is counted together. */
let address = ''
before(async () => {
  t = await startTestApp()
  connection = openSecondConnection(t.engine)
  alice = await makeOwner(t)
  forger = await createForger(t, alice.access)
})
beforeEach(() => {
  hosts += 1
  address = `10.0.${hosts >> 8}.${hosts & 255}`
})
after(async () => {
  connection.close()
  await t.close()
})

const call = (method: string, path: string, options: Call = {}): Promise<Answer> =>
  t.call(method, path, { address, ...options })
const refresh = (refreshToken: string): Promise<Answer> =>
  call('POST', 'refresh', { body: { refresh_token: refreshToken } })

const written = async (from = address) => {
  await t.engine.refusals.write()
  return connection
    .rows(
      `select e.*, p.address from audit_events e join audit_personal p on event_id = id
        where event = 'credential.refused' and p.address = ? order by id`,
      from,
    )
    .map(({ id: _, commitments: __, details, ...row }) => ({ ...row, details: JSON.parse(String(details)) }))
}

type Owner = { readonly userId: string; readonly sessionId: string } | undefined

/** Why and when, for whoever has proved to be the owner of a session that has ended; for others nothing. */
const assertTold = ({ body }: Answer, reason: string, owner: Owner): void => {
  const isOwnEnd = body.code === 'session_ended' && owner !== undefined && reason !== 'cut_off'
  const told = isOwnEnd ? [reason, t.clock.now() - Date.parse(body.ended_at) <= minute] : [undefined, false]
  assert.deepEqual([body.reason, 'ended_at' in body && told[1]], told)
}

/** One row, of this request, and nothing in it that is not proven. */
const assertRow = async (answer: Answer, reason: string, owner: Owner): Promise<void> => {
  const { status, headers } = answer
  assert.equal(status, 401)
  assertTold(answer, reason, owner)
  const [row, ...others] = await written()
  const requestId = headers['x-request-id']
  assert.deepEqual(row, {
    at: t.clock.now(),
    event: 'credential.refused',
    user_id: owner?.userId ?? null,
    actor: null,
    session_id: owner?.sessionId ?? null,
    address,
    api_key_id: null,
    request_id: requestId,
    reason,
    details: { count: 1, last_at: t.clock.now(), last_request_id: requestId },
  })
  assert.deepEqual(others, [])
}

const ownerOf = ({ id, access }: Caller): Owner => ({ userId: id, sessionId: sessionIdOf(access) })

describe('the audit log has the exact reason of a refused access token, and nobody that it only claims to be of', () => {
  for (const [threat, [reason, forge]] of forgeries.flatMap(group => Object.entries(group)))
    test(`forged access token: ${threat}`, async () => {
      const answer = await call('GET', 'me', { token: await forge(forger) })
      // Its signature is our key's: that is how far the forger of these tests goes.
      await assertRow(answer, reason, reason === 'token_audience' ? ownerOf(alice) : undefined)
    })
})

type Case = { readonly refuse: () => Promise<Answer>; readonly reason: string; readonly owner?: () => Owner }

let ann: Caller
let tab: Browser
let tabSession = ''
const signIn = async (): Promise<void> => {
  ann = await signUp(t, freshName())
  tab = await openBrowser(t, ann.username)
  tabSession = await sessionIdOfTab(t, tab)
}
const ofAnn = (): Owner => ownerOf(ann)
const ofTab = (): Owner => ({ userId: ann.id, sessionId: tabSession })

const disable = () => disableUser(t.engine, { userId: ann.id, origin })
const withToken = (token = ann.access, headers = {}) => call('GET', 'me', { token, headers })
const withCookie = (cookie = tab.cookie) => browse(t, { ...tab, cookie }, 'GET', 'me', { address })
const withHeaders = (headers: Readonly<Record<string, string>>) => call('GET', 'me', { headers })
const logOut = () => call('POST', 'logout', { token: ann.access })

const cases: Readonly<Record<string, Case>> = {
  'an access token past its time': {
    refuse: () => {
      t.clock.advance(11 * minute)
      return withToken()
    },
    reason: 'token_expired',
    owner: ofAnn,
  },
  'an access token after a logout': {
    refuse: async () => {
      await logOut()
      return withToken()
    },
    reason: 'logout',
    owner: ofAnn,
  },
  'an access token of a disabled user': {
    refuse: async () => {
      await disable()
      return withToken()
    },
    reason: 'user_disabled',
    owner: ofAnn,
  },
  'an access token that a step-up replaced': {
    refuse: async () => {
      await call('POST', 'step-up', { token: ann.access, body: { password } })
      return withToken()
    },
    reason: 'renewed',
    owner: ofAnn,
  },
  'an access token of a session of which no row is left': {
    refuse: async () => {
      await logOut()
      await connection.run('delete from sessions where id = ?', sessionIdOf(ann.access))
      return withToken()
    },
    reason: 'cut_off',
    owner: ofAnn,
  },
  'an access token at a door that judges it by itself': {
    refuse: () => {
      t.clock.advance(11 * minute)
      return call('POST', 'logout', { token: ann.access })
    },
    reason: 'token_expired',
    owner: ofAnn,
  },
  'a refresh token that is not whole': { refuse: () => refresh('gwr_AAAA'), reason: 'refresh_token_form' },
  'a refresh token that nobody was given': {
    refuse: async () => {
      await connection.run('delete from sessions where id = ?', sessionIdOf(ann.access))
      return refresh(ann.refresh)
    },
    reason: 'refresh_token_unknown',
  },
  'a refresh token after a logout': {
    refuse: async () => {
      await logOut()
      t.clock.advance(11 * second)
      return refresh(ann.refresh)
    },
    reason: 'logout',
    owner: ofAnn,
  },
  'a refresh token of a disabled user': {
    refuse: async () => {
      await disable()
      return refresh(ann.refresh)
    },
    reason: 'user_disabled',
    owner: ofAnn,
  },
  'a cookie that is not whole': {
    refuse: () => withCookie(`${tab.cookie.split('=')[0]}=gws_AAAA`),
    reason: 'cookie_form',
  },
  'a cookie that nobody was given': {
    refuse: async () => {
      await connection.run('delete from sessions where id = ?', tabSession)
      return withCookie()
    },
    reason: 'cookie_unknown',
  },
  'a cookie after a logout': {
    refuse: async () => {
      await browse(t, tab, 'POST', 'logout')
      return withCookie()
    },
    reason: 'logout',
    owner: ofTab,
  },
  'a cookie of a disabled user': {
    refuse: async () => {
      await disable()
      return withCookie()
    },
    reason: 'user_disabled',
    owner: ofTab,
  },
  'a credential of another scheme': {
    refuse: () => withHeaders({ authorization: `Basic ${ann.access}` }),
    reason: 'unknown_other',
  },
  'an API key': { refuse: () => withHeaders({ 'x-api-key': 'gwk_AAAA' }), reason: 'key_form' },
  'a credential that is good, where a recent sign-in is asked for': {
    refuse: async () => {
      t.clock.advance(10 * minute + second)
      const { body } = await refresh(ann.refresh)
      return call('DELETE', 'sessions', { token: body.access_token })
    },
    reason: 'insufficient_user_authentication',
    owner: ofAnn,
  },
}

describe('the audit log has the exact reason of a refused credential, and its session where it was ours', () => {
  beforeEach(signIn)
  for (const [name, { refuse, reason, owner }] of Object.entries(cases))
    test(`${name} leaves its reason`, async () => assertRow(await refuse(), reason, owner?.()))

  test('a token of a revoked key: whoever holds the key could have written another name into it', async () => {
    await rotateKeys(t.engine, origin)
    const { access } = await signUp(t, freshName())
    const kid = JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString()).kid
    const verified = await t.engine.accessTokens.verify(access)
    // Judged after the signature was: the key was revoked in between.
    const engine = { ...t.engine.accessTokens, verify: async () => verified }
    Object.assign(t.app.gate, { accessTokens: engine })
    try {
      await revokeKey(t.engine, { kid, origin })
      await assertRow(await withToken(access), 'key_revoked', undefined)
    } finally {
      Object.assign(t.app.gate, { accessTokens: t.engine.accessTokens })
    }
  })
})

/** What is told by another event, or shows no credential that was refused. */
const others: Readonly<Record<string, { readonly refuse: () => Promise<Answer>; readonly status: number }>> =
  {
    'no credential': { refuse: () => call('GET', 'me'), status: 401 },
    'nothing to refresh': { refuse: () => call('POST', 'refresh'), status: 401 },
    'a wrong password': {
      refuse: () => call('POST', 'login', { body: { username: ann.username, password: 'not the password' } }),
      status: 401,
    },
    'a refresh token used again': {
      refuse: async () => {
        t.clock.advance(10 * second)
        await refresh(ann.refresh)
        t.clock.advance(10 * second)
        return refresh(ann.refresh)
      },
      status: 401,
    },
    'a refresh token of a session that its time ends now': {
      refuse: () => {
        t.clock.advance(15 * day)
        return refresh(ann.refresh)
      },
      status: 401,
    },
    'a cookie of a session that its time ends now': {
      refuse: () => {
        t.clock.advance(15 * day)
        return withCookie()
      },
      status: 401,
    },
    'a missing permission': {
      refuse: () =>
        call('POST', 'users', { token: ann.access, body: { username: 'x', password, roles: [] } }),
      status: 403,
    },
    'a token to wait for': {
      refuse: async () => {
        await call('POST', 'step-up', { token: ann.access, body: { password } })
        return refresh(ann.refresh)
      },
      status: 409,
    },
  }

describe('no row is written twice, nor for what is no refused credential', () => {
  beforeEach(signIn)
  for (const [name, { refuse, status }] of Object.entries(others))
    test(`${name} leaves none`, async () => {
      assert.equal((await refuse()).status, status)
      assert.deepEqual(await written(), [])
    })
})

test('addresses made up within one IPv6 /64 are one address, which has one row a minute', async () => {
  const prefix = '2001:db8:1:2::'
  const counts = async () => (await written(`${prefix}/64`)).map(({ details }) => details.count)
  const refuse = (host: string) => t.call('GET', 'me', { token: 'x', address: prefix + host })
  await refuse('1')
  assert.deepEqual(await counts(), [1])
  await refuse('2')
  await refuse('3:4:5')
  assert.deepEqual(await counts(), [1])
  t.clock.advance(minute)
  assert.deepEqual(await counts(), [1, 2])
})

test('audit log flooding: thousands of wrong tokens and of requests over a limit are few rows, and logout goes on', async () => {
  const started = await startTestApp({ limitsScale: 1 })
  try {
    const { access } = await signUp(started, freshName())
    const send = (n: number) =>
      started.call('GET', 'me', { token: `wrong.${n}.token`, address: `10.1.${(n >> 8) & 255}.${n & 255}` })
    const sent = 4_000
    for (let n = 0; n < sent / 2; n += 50)
      await Promise.all(Array.from({ length: 50 }, (_, k) => send(n + k)))
    const logout = await started.call('POST', 'logout', { token: access, address: '192.0.2.9' })
    assert.equal(logout.status, 200)
    const fromOne = () => started.call('GET', 'me', { token: 'x', address: '192.0.2.8' })
    for (let n = 0; n < sent / 2; n += 50) await Promise.all(Array.from({ length: 50 }, fromOne))
    assert.equal((await started.call('GET', 'me', { token: access })).status, 401)
    // Written as at the end of a minute.
    started.clock.advance(minute)
    await started.engine.refusals.write()
    const rows = await started.engine.db
      .selectFrom('audit_events')
      .select(['event', 'details'])
      .where('event', 'in', ['credential.refused', 'limit.exceeded'])
      .execute()
    assert.ok(rows.length < 1_200, String(rows.length))
    const counted = rows.reduce((sum, { details }) => sum + JSON.parse(details).count, 0)
    assert.equal(counted, sent + 1)
    assert.ok(rows.some(({ event }) => event === 'limit.exceeded'))
  } finally {
    await started.close()
  }
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { changeRoles, disableUser } from 'gatewright/administration'
import { day } from 'gatewright/clock'
import {
  csrfTokenOf,
  newSessionSecret,
  parseSessionSecret,
} from '../../packages/gatewright/src/tokens/session-secret.ts'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import {
  type Browser,
  browse,
  headersOf,
  isCleared,
  openBrowser,
  show,
  toBrowser,
} from '../sessions/browser.ts'
import { startCountedApp } from '../sessions/counted-app.ts'
import { readTables } from '../table-contents.ts'
import { exchange, listen, toRequest } from './raw-http.ts'

let t: TestApp
let port: number
let ann: Caller
let tab: Browser
before(async () => {
  t = await startTestApp()
  port = await listen(t)
})
after(() => t.close())
beforeEach(async () => {
  ann = await signUp(t, freshName())
  tab = await openBrowser(t, ann.username)
})

type Headers = Readonly<Record<string, string | readonly string[]>>

/** Over a real connection: what a header looks like there is what counts. */
const ask = async (headers: Headers, method = 'GET', target = '/api/v1/me'): Promise<string> => {
  const { status, body } = await exchange(port, toRequest(method, target, headers))
  return status < 400 ? String(status) : `${status} ${JSON.parse(body).code}`
}

const secretOf = ({ cookie }: Browser): string => cookie.split('=')[1] ?? ''
const attacker = async (): Promise<Browser> => openBrowser(t, (await signUp(t, freshName())).username)

describe('cookie tossing', () => {
  const several: Readonly<Record<string, (other: Browser) => string | readonly string[]>> = {
    'a second cookie of the name behind the first': other => `${tab.cookie}; ${other.cookie}`,
    'a second cookie of the name before the first': other => `${other.cookie}; ${tab.cookie}`,
    'the same cookie twice': () => `${tab.cookie}; ${tab.cookie}`,
    'a second, empty one': () => `${tab.cookie}; gw_session=`,
    'a second one that is garbage': () => `gw_session=x; ${tab.cookie}`,
    'a second one without a space between': other => `${tab.cookie};${other.cookie}`,
    'a second header of cookies': other => [tab.cookie, other.cookie],
    'a second header of other cookies': () => [tab.cookie, 'theme=dark'],
  }
  for (const [what, make] of Object.entries(several))
    test(`${what} is refused, and none of them is chosen`, async () => {
      const cookie = make(await attacker())
      for (const [method, target] of [
        ['GET', '/api/v1/me'],
        ['GET', '/api/v1/posts'],
        ['POST', '/api/v1/logout'],
        ['POST', '/api/v1/sessions'],
      ] as const)
        assert.equal(await ask({ ...headersOf(t, tab), cookie }, method, target), '400 several_credentials')
      assert.equal((await browse(t, tab, 'GET', 'me')).status, 200)
    })

  const otherNames: Readonly<Record<string, (secret: string) => string>> = {
    'the other name': secret => `__Host-gw_session=${secret}`,
    capitals: secret => `GW_SESSION=${secret}`,
    'a name that ends like ours': secret => `a_gw_session=${secret}`,
    'a name that begins like ours': secret => `gw_session_=${secret}`,
    'a no-break space before the name': secret => `\u00a0gw_session=${secret}`,
    'a next-line character before the name': secret => `\u0085gw_session=${secret}`,
    'a tab before the name': secret => `a=b;\tgw_session=${secret}`,
    'a space behind the name': secret => `gw_session =${secret}`,
    'a name in quotes': secret => `"gw_session"=${secret}`,
    'a percent-encoded name': secret => `gw%5Fsession=${secret}`,
    'a pair inside a value': secret => `a=gw_session=${secret}`,
    'a pair behind a comma': secret => `a=b, gw_session=${secret}`,
    'a cookie without a name': secret => `=gw_session=${secret}`,
    '$Version and a comma': secret => `$Version=1, gw_session=${secret}`,
  }
  for (const [what, make] of Object.entries(otherNames))
    test(`${what} makes another cookie: ignored, alone and beside the right one`, async () => {
      const planted = make(secretOf(await attacker()))
      assert.equal(await ask({ cookie: planted }), '401 invalid_token')
      const { body } = await exchange(
        port,
        toRequest('GET', '/api/v1/me', { cookie: `${planted}; ${tab.cookie}` }),
      )
      assert.equal(JSON.parse(body).username, ann.username)
    })
})

describe('a cookie that is not whole', () => {
  const broken: Readonly<Record<string, (secret: string) => string>> = {
    empty: () => '',
    'a word': () => 'null',
    'without its prefix': secret => secret.slice(4),
    'with another prefix': secret => secret.replace('gws_', 'gwr_'),
    'with a prefix in capitals': secret => secret.replace('gws_', 'GWS_'),
    'cut off': secret => secret.slice(0, -1),
    longer: secret => `${secret}A`,
    'with another letter': secret =>
      secret.slice(0, 10) + (secret[10] === 'A' ? 'B' : 'A') + secret.slice(11),
    'with another checksum': secret => secret.slice(0, -1) + (secret.at(-1) === 'A' ? 'B' : 'A'),
    'in another alphabet': secret => secret.replaceAll('-', '+').replaceAll('_', '/'),
    padded: secret => `${secret}=`,
    'in quotes': secret => `"${secret}"`,
    'behind a space': secret => ` ${secret}`,
    'percent-encoded': secret => secret.replace('gws_', 'gws%5F'),
    'an access token': () => ann.access,
    'a refresh token': () => ann.refresh,
    'very long': () => `gws_${'A'.repeat(8_000)}`,
  }
  for (const [what, make] of Object.entries(broken))
    test(`${what}: 401 and taken from the browser, and nobody's page opens`, async () => {
      const cookie = `gw_session=${make(secretOf(tab))}`
      for (const path of ['me', 'posts']) {
        const answer = await t.call('GET', path, { headers: { cookie } })
        assert.equal(show(answer), '401 invalid_token')
        assert.ok(isCleared(answer))
      }
    })

  const shown: Readonly<Record<string, () => string>> = {
    garbage: () => 'gw_session=garbage',
    'an empty cookie': () => 'gw_session=',
    'a cookie that is cut off': () => tab.cookie.slice(0, -1),
    'a cookie that nobody was given': () => `gw_session=${newSessionSecret(t.engine.random)}`,
  }
  for (const [what, make] of Object.entries(shown))
    test(`a token that outlives logout: ${what} keeps no refresh token from signing out, and signs nobody out`, async () => {
      const cookie = make()
      const secret = parseSessionSecret(cookie.split('=')[1] ?? '')
      const csrf = secret === undefined ? 'x' : csrfTokenOf(secret)
      const out = (body?: object) => browse(t, { cookie, csrf }, 'POST', 'logout', { body })
      for (const body of [undefined, {}, { refresh_token: 'gwr_nonsense' }, { refresh_token: ann.access }]) {
        const refused = await out(body)
        assert.equal(show(refused), '401 invalid_token')
        assert.ok(isCleared(refused))
      }
      assert.equal((await t.call('GET', 'me', { token: ann.access })).status, 200)
      const answer = await out({ refresh_token: ann.refresh })
      assert.equal(show(answer), '200')
      assert.ok(isCleared(answer))
      assert.equal(show(await t.call('GET', 'me', { token: ann.access })), '401 session_ended')
      assert.equal((await browse(t, tab, 'GET', 'me')).status, 200)
    })

  test('costs no query', async owner => {
    const counted = await startCountedApp(t.engine)
    owner.after(counted.close)
    for (const [cookie, count] of [
      ['gw_session=gws_x', 0],
      [`gw_session=${newSessionSecret(t.engine.random)}`, 1],
    ] as const) {
      const { status, queries } = await counted.ask('GET', 'me', { cookie })
      assert.deepEqual([status, queries.length], [401, count])
    }
  })
})

describe('session fixation', () => {
  test('a secret that a stranger made up is nobody’s, and never becomes somebody’s', async () => {
    const planted = `gw_session=${newSessionSecret(t.engine.random)}`
    const fixed = { ...tab, cookie: planted }
    assert.equal(show(await browse(t, fixed, 'GET', 'me')), '401 invalid_token')
    const body = { username: ann.username, password }
    const signedIn = await t.call('POST', 'sessions', {
      body,
      headers: { cookie: planted, origin: t.engine.publicUrl },
    })
    assert.notEqual(toBrowser(signedIn).cookie, planted)
    assert.equal(show(await t.call('GET', 'me', { headers: { cookie: planted } })), '401 invalid_token')
  })

  test('an attacker’s cookie in the victim’s browser ends with the victim’s sign-in', async () => {
    const planted = await attacker()
    const signedIn = await browse(t, planted, 'POST', 'sessions', {
      body: { username: ann.username, password },
    })
    assert.equal(signedIn.status, 201)
    assert.equal(show(await browse(t, planted, 'GET', 'me')), '401 session_ended')
    assert.equal((await browse(t, toBrowser(signedIn), 'GET', 'me')).body.username, ann.username)
  })

  test('no id of a session opens it, from the query, a header or a cookie', async () => {
    const { id } = (await browse(t, tab, 'GET', 'sessions/current')).body.session
    for (const path of [`me?sid=${id}`, `me?gw_session=${secretOf(tab)}`, `me?session=${id}`])
      assert.equal((await t.call('GET', path)).status, 401)
    for (const headers of [
      { cookie: `gw_session=${id}` },
      { cookie: `gw_session=gws_${id}` },
      { 'x-session-id': id },
    ])
      assert.equal(show(await t.call('GET', 'me', { headers })), '401 invalid_token')
  })
})

describe('one request, one credential', () => {
  const bad: Readonly<Record<string, () => Headers>> = {
    'a wrong access token': () => ({ authorization: 'Bearer x' }),
    'an empty Authorization': () => ({ authorization: '' }),
    'another scheme': () => ({ authorization: 'Basic YTpi' }),
    'an unknown API key': () => ({ 'x-api-key': 'gwk_x' }),
    'an empty API key': () => ({ 'x-api-key': '' }),
  }
  for (const [what, make] of Object.entries(bad))
    test(`${what} beside a good cookie is refused: it never falls back`, async () => {
      for (const target of ['/api/v1/me', '/api/v1/posts'])
        assert.equal(await ask({ cookie: tab.cookie, ...make() }, 'GET', target), '401 invalid_token')
    })

  test('a good access token beats the cookie, of whoever it is', async () => {
    for (const other of [
      await attacker(),
      { cookie: 'gw_session=garbage' },
      { cookie: 'gw_session=a; gw_session=b' },
    ]) {
      const headers = { authorization: `Bearer ${ann.access}`, cookie: other.cookie }
      const { body } = await exchange(port, toRequest('GET', '/api/v1/me', headers))
      assert.equal(JSON.parse(body).username, ann.username)
    }
  })

  test('an access token that has ended does not fall back either', async () => {
    await t.call('POST', 'logout', { token: ann.access })
    const headers = { ...headersOf(t, tab), authorization: `Bearer ${ann.access}` }
    assert.equal(show(await t.call('GET', 'me', { headers })), '401 session_ended')
  })

  test('an access token and an API key are refused, cookie or not', async () => {
    const headers = { cookie: tab.cookie, authorization: `Bearer ${ann.access}`, 'x-api-key': 'gwk_a' }
    assert.equal(await ask(headers), '400 several_credentials')
  })

  test('cookies of others in the same header change nothing', async () => {
    const cookie = `theme=dark; ${tab.cookie}; a=b; =; ;;`
    assert.equal(await ask({ cookie }), '200')
  })
})

describe('a cookie that nobody was given', () => {
  test('costs an address so many queries a minute, and then none; those who are signed in don’t notice', async owner => {
    const strict = await startTestApp({ limitsScale: 1 })
    owner.after(() => strict.close())
    const there = await openBrowser(strict, (await signUp(strict, 'ann')).username)
    assert.equal((await browse(strict, there, 'GET', 'me')).status, 200)
    const counted = await startCountedApp(strict.engine)
    owner.after(counted.close)
    const guess = () =>
      counted.ask('GET', 'posts', { cookie: `gw_session=${newSessionSecret(strict.engine.random)}` })
    const statuses: number[] = []
    for (let n = 0; n < 120; n += 1) statuses.push((await guess()).status)
    assert.ok(statuses.every(status => status === 401))
    assert.deepEqual(await guess(), { status: 429, queries: [] })
    const planted = { cookie: `gw_session=${newSessionSecret(strict.engine.random)}` }
    const { headers } = await strict.call('GET', 'me', { headers: planted })
    assert.match(String(headers.ratelimit), /"refused-credential-address";r=0/)
    assert.ok(Number(headers['retry-after']) >= 1)
    assert.equal((await browse(strict, there, 'GET', 'me')).status, 200)
  })
})

describe('one cookie', () => {
  const ends: Readonly<Record<string, (strict: TestApp, browser: Browser) => Promise<unknown>>> = {
    'that lives': async () => {},
    'that has ended': (strict, browser) => browse(strict, browser, 'POST', 'logout'),
  }
  for (const [what, end] of Object.entries(ends))
    test(`${what} costs 1,200 queries a minute, and then none; the address goes on`, async owner => {
      const strict = await startTestApp({ limitsScale: 1 })
      owner.after(() => strict.close())
      const ada = await signUp(strict, 'ada')
      const [there, other] = [await openBrowser(strict, 'ada'), await openBrowser(strict, 'ada')]
      for (const each of [there, other]) await browse(strict, each, 'GET', 'me')
      await end(strict, there)
      const counted = await startCountedApp(strict.engine)
      owner.after(counted.close)
      const answers: Awaited<ReturnType<typeof counted.ask>>[] = []
      for (let n = 0; n < 1_500; n += 1)
        answers.push(await counted.ask('GET', 'posts', { cookie: there.cookie }))
      const lookUps = answers.flatMap(({ queries }) => queries).filter(sql => sql.includes('secret_hash'))
      assert.ok(lookUps.length <= 1_200, `${lookUps.length} look-ups`)
      for (const { status, queries } of answers.slice(1_200)) assert.deepEqual([status, queries], [429, []])
      assert.notEqual((await browse(strict, other, 'POST', 'logout')).status, 429)
      assert.equal(
        (await strict.call('GET', 'me', { token: ada.access, address: '192.0.2.9' })).status,
        what === 'that lives' ? 429 : 200,
      )
    })

  test('is counted once a request, also where a body was waited for', async () => {
    const write = () => browse(t, tab, 'POST', 'todos', { body: { title: 'Milk' } })
    const left = async () =>
      Number(/"cookie-session";r=(\d+)/.exec(String((await write()).headers.ratelimit))?.[1])
    const before = await left()
    assert.equal(await left(), before - 1)
  })
})

test('public documentation opens with a cookie that is over, garbage or nobody’s', async () => {
  await browse(t, tab, 'POST', 'logout')
  const cookies = [tab.cookie, 'gw_session=garbage', `gw_session=${newSessionSecret(t.engine.random)}`]
  for (const path of ['/docs', '/docs/errors', '/docs/reference.css', '/openapi.json', '/docs/postman.json'])
    for (const cookie of cookies)
      assert.equal((await t.call('GET', path, { headers: { cookie } })).status, 200)
})

/** Sends the head, lets something happen once it was let in, and sends the body. */
const sendSlowly = async (meanwhile: () => unknown): Promise<string> => {
  const text = JSON.stringify({ title: 'Slow', content: 'Text' })
  const socket = connect({ host: '127.0.0.1', port })
  const kind = { 'content-type': 'application/json', 'content-length': String(text.length) }
  const lines = Object.entries({ ...headersOf(t, tab), host: 'a', connection: 'close', ...kind }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  socket.write(['POST /api/v1/posts HTTP/1.1', ...lines, 'expect: 100-continue', '', ''].join('\r\n'))
  const [first] = await once(socket, 'data')
  assert.equal(String(first), 'HTTP/1.1 100 Continue\r\n\r\n', 'the head alone was let in')
  await meanwhile()
  const chunks: string[] = []
  socket.on('data', chunk => chunks.push(String(chunk))).write(text)
  await once(socket, 'close')
  return chunks.join('')
}

const system = { actor: 'system', address: null, requestId: null }
const meanwhile: Readonly<Record<string, { act: () => unknown; code: string }>> = {
  'the session ends': { act: () => browse(t, tab, 'POST', 'logout'), code: 'session_ended' },
  'the session is renewed': {
    act: () => browse(t, tab, 'POST', 'step-up', { body: { password } }),
    code: 'session_renewed',
  },
  'the idle time goes by': { act: () => t.clock.advance(15 * day), code: 'session_ended' },
  'the user is disabled': {
    act: () => disableUser(t.engine, { userId: ann.id, origin: system }),
    code: 'session_ended',
  },
  'the role is taken': {
    act: () => changeRoles(t.engine, { userId: ann.id, roles: [], origin: system }),
    code: 'insufficient_permission',
  },
}
for (const [what, { act, code }] of Object.entries(meanwhile))
  test(`slow body: ${what} while it is on its way: refused, and the browser's next cookie stays`, async () => {
    const answer = await sendSlowly(act)
    assert.match(answer, /^HTTP\/1\.1 4/)
    assert.ok(answer.includes(`"code":"${code}"`), answer)
    assert.doesNotMatch(answer, /set-cookie/i)
  })

test('no log line, no audit row and no other row holds a cookie or a CSRF token', async () => {
  const fresh = toBrowser(await browse(t, tab, 'POST', 'step-up', { body: { password } }))
  await browse(t, fresh, 'POST', 'logout')
  await browse(t, { ...fresh, cookie: `${fresh.cookie}x` }, 'GET', 'me')
  const tables = JSON.stringify([...(await readTables(t))])
  for (const { cookie, csrf } of [tab, fresh])
    for (const hidden of [secretOf({ cookie, csrf }).slice(4, 40), csrf])
      for (const text of [...t.logLines, tables]) assert.ok(!text.includes(hidden), text.slice(0, 300))
})

test('the log names user and session of a cookie, let in or refused', async () => {
  const { id } = (await browse(t, tab, 'GET', 'sessions/current')).body.session
  await browse(t, tab, 'POST', 'logout')
  await browse(t, tab, 'GET', 'me')
  const line = JSON.parse(t.logLines.at(-1) ?? '{}')
  assert.deepEqual([line.user, line.session, line.code, line.reason], [ann.id, id, 'session_ended', 'logout'])
})

test('Max-Age is no proof: a browser that keeps the cookie longer is refused by the server', async () => {
  t.clock.advance(31 * day)
  const answer = await browse(t, tab, 'GET', 'me')
  assert.equal(show(answer), '401 session_ended')
  assert.ok(isCleared(answer))
})

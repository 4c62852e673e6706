import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Settings } from 'gatewright/settings'
import { mount } from '../apps/blog/src/blog.ts'
import type { Collection } from '../packages/gatewright/src/http/reference/postman.ts'
import { type Answer, password, signUp, startTestApp, type TestApp } from './harness.ts'
import { readOpenApi } from './reference/document.ts'

const origin = 'http://localhost:3000'
const elsewhere = 'https://app.example'

/** An app on the settings of a row, for as long as `look` looks. */
const withApp = async (settings: Partial<Settings>, look: (t: TestApp) => Promise<void>): Promise<void> => {
  const t = await startTestApp({ corsOrigins: [elsewhere], ...settings })
  try {
    await look(t)
  } finally {
    await t.close()
  }
}

const told = ({ status, body }: Answer): string => (status < 400 ? `${status}` : `${status} ${body.code}`)

const lastReason = ({ logLines }: TestApp): unknown => JSON.parse(logLines.at(-1) ?? '{}').reason

/** What each way in and each credential is answered, on the way as those who hold one would come. */
const tryAll = async (t: TestApp) => {
  const { accessTokens } = t.engine
  const ann = await signUp(t, 'ann')
  const login = await t.call('POST', 'login', { body: { username: 'ann', password } })
  const byCookie = await t.call('POST', 'sessions', {
    headers: { origin },
    body: { username: 'ann', password },
  })
  const cookie = String(byCookie.headers['set-cookie'] ?? 'gw_session=gws_x').split(';', 1)[0] ?? ''
  const token =
    ann.access ??
    (await (
      await accessTokens.getSign()
    )({
      userId: ann.id,
      sessionId: 'A'.repeat(22),
      userVersion: 1,
      expiresAt: t.clock.now() + 60_000,
      authTime: t.clock.now(),
      amr: ['pwd'],
      roles: ['user'],
    }))
  const authorization = `Bearer ${token}`
  const refresh_token = login.body.refresh_token ?? 'gwr_x'
  return {
    login: told(login),
    refresh: told(await t.call('POST', 'refresh', { body: { refresh_token } })),
    bearer: told(await t.call('GET', 'me', { headers: { authorization } })),
    'bearer on a public page': told(await t.call('GET', 'posts', { headers: { authorization } })),
    'sign-in by cookie': told(byCookie),
    cookie: told(await t.call('GET', 'me', { headers: { cookie } })),
    'cookie on a public page': told(await t.call('GET', 'posts', { headers: { cookie } })),
    both: told(await t.call('GET', 'me', { headers: { authorization, cookie } })),
    'api key': told(await t.call('GET', 'me', { headers: { 'x-api-key': 'gwk_x' } })),
  }
}

const bearerOn = {
  login: '200',
  refresh: '200',
  bearer: '200',
  'bearer on a public page': '200',
  both: '200',
}
const bearerOff = {
  login: '403 insufficient_permission',
  refresh: '403 insufficient_permission',
  bearer: '401 invalid_token',
  'bearer on a public page': '401 invalid_token',
  both: '401 invalid_token',
}
const cookieOn = { 'sign-in by cookie': '201', cookie: '200', 'cookie on a public page': '200' }
const cookieOff = {
  'sign-in by cookie': '403 insufficient_permission',
  cookie: '401 invalid_token',
  'cookie on a public page': '200',
}

/** Every set of kinds that a start takes. */
const sets = [
  { credentials: ['bearer', 'cookie', 'api-key'], answers: { ...bearerOn, ...cookieOn } },
  { credentials: ['bearer', 'cookie'], answers: { ...bearerOn, ...cookieOn } },
  { credentials: ['bearer', 'api-key'], answers: { ...bearerOn, ...cookieOff } },
  { credentials: ['bearer'], answers: { ...bearerOn, ...cookieOff } },
  { credentials: ['cookie', 'api-key'], answers: { ...bearerOff, ...cookieOn } },
  { credentials: ['cookie'], answers: { ...bearerOff, ...cookieOn } },
] as const

for (const { credentials, answers } of sets) {
  const has = (kind: string): boolean => credentials.some(each => each === kind)
  const name = `CREDENTIALS=${credentials.join(',')}`

  describe(name, () => {
    test(`${name} lets in whoever shows one of these, and nobody else`, () =>
      withApp({ credentials }, async t => {
        assert.deepEqual(await tryAll(t), { ...answers, 'api key': '401 invalid_token' })
      }))

    test(`${name} stands in the documents, in CORS, in Vary and in the challenge`, () =>
      withApp({ credentials }, async t => {
        const document = await readOpenApi(t)
        const schemes = Object.keys(document.components.securitySchemes as object)
        const named = ['bearer', 'cookie', 'api-key'].filter(has)
        assert.deepEqual(
          schemes,
          named.map(each => each.replace('-', '_')),
        )
        assert.equal(JSON.stringify(document.paths).includes('X-CSRF-Token'), has('cookie'))
        const { body: postman } = await t.call('GET', '/docs/postman.json')
        assert.equal(
          (postman as Collection & { auth: { type: string } }).auth.type,
          has('bearer') ? 'bearer' : 'noauth',
        )
        assert.equal(JSON.stringify(postman).includes('Be let in'), has('bearer'))

        const { headers } = await t.call('GET', '/openapi.json')
        assert.equal(/\bCookie\b/.test(String(headers.vary)), has('cookie'))
        const preflight = await t.call('OPTIONS', 'me', {
          headers: { origin: elsewhere, 'access-control-request-method': 'PATCH' },
        })
        assert.equal(
          preflight.headers['access-control-allow-credentials'],
          has('cookie') ? 'true' : undefined,
        )
        const allowed = String(preflight.headers['access-control-allow-headers']).split(', ')
        assert.equal(allowed.includes('X-CSRF-Token'), has('cookie'))
        const refused = await t.call('GET', 'me')
        assert.equal(refused.headers['www-authenticate'], has('bearer') ? 'Bearer' : 'Cookie')
      }))
  })
}

test('a switched-off kind is told to the log as what it is, and to the caller as a bad token', () =>
  withApp({ credentials: ['cookie'] }, async t => {
    const { access } = await signUp(t, 'ann')
    for (const [headers, reason] of [
      [{ authorization: `Bearer ${access}` }, 'bearer_off'],
      [{ authorization: 'Bearer x' }, 'bearer_off'],
      [{ 'x-api-key': 'gwk_x' }, 'api-key_off'],
      [{ authorization: 'Basic YTpi' }, 'unknown_other'],
    ] as const) {
      const answer = await t.call('GET', 'me', { headers })
      assert.deepEqual([told(answer), lastReason(t)], ['401 invalid_token', reason])
      assert.match(String(answer.headers['www-authenticate']), /^Cookie error="invalid_token"/)
    }
  }))

test('a switched-off access token signs nobody out either, and its header never falls back to the cookie', () =>
  withApp({ credentials: ['cookie'] }, async t => {
    await signUp(t, 'ann')
    const { headers } = await t.call('POST', 'sessions', {
      headers: { origin },
      body: { username: 'ann', password },
    })
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    for (const path of ['me', 'posts', 'logout'])
      assert.equal(
        told(
          await t.call(path === 'logout' ? 'POST' : 'GET', path, {
            headers: { authorization: 'Bearer x', cookie, origin },
          }),
        ),
        '401 invalid_token',
        path,
      )
  }))

test('without the cookie no answer sets or takes one, whatever the browser sends', () =>
  withApp({ credentials: ['bearer'] }, async t => {
    const ann = await signUp(t, 'ann')
    const cookies = ['gw_session=gws_x', `gw_session=gws_${'A'.repeat(80)}`, '__Host-gw_session=gws_x']
    const requests = [
      ['POST', 'sessions', { username: 'ann', password }],
      ['POST', 'login', { username: 'ann', password }],
      ['POST', 'logout', { refresh_token: 'gwr_x' }],
      ['POST', 'step-up', { password }],
      ['GET', 'me', undefined],
      ['GET', 'sessions/current', undefined],
      ['DELETE', 'sessions/x', undefined],
    ] as const
    for (const cookie of cookies)
      for (const [method, path, body] of requests)
        for (const token of [undefined, ann.access]) {
          const answer = await t.call(method, path, { token, body, headers: { cookie, origin } })
          // The cookie of known devices is no credential, and is set and read whatever is taken as one.
          assert.doesNotMatch(String(answer.headers['set-cookie']), /gw_session/, `${method} ${path}`)
        }
  }))

test('without the cookie two of them are no conflict, and no page of another site is asked about', () =>
  withApp({ credentials: ['bearer'] }, async t => {
    const ann = await signUp(t, 'ann')
    const headers = { cookie: 'gw_session=a; gw_session=b', origin: 'https://evil.example' }
    assert.equal((await t.call('GET', 'me', { token: ann.access, headers })).status, 200)
    const post = { title: 'Hello', content: 'For everybody.' }
    assert.equal((await t.call('POST', 'posts', { token: ann.access, headers, body: post })).status, 201)
    assert.equal(told(await t.call('POST', 'posts', { headers, body: post })), '401 invalid_token')
  }))

test('without the cookie the console says why it is not there', () =>
  withApp({ credentials: ['bearer'] }, async t => {
    const { status, text } = await t.call('GET', '/console')
    assert.deepEqual([status, /CREDENTIALS/.test(text)], [503, true])
  }))

/** Where the setting puts a credential it counts, and where it stood before it does not. */
const moved = [
  {
    settings: { tokenHeader: 'X-Token' },
    good: (token: string) => ({ 'x-token': `Bearer ${token}` }),
    ignored: (token: string) => ({ authorization: `Bearer ${token}` }),
    key: 'x-api-key',
  },
  {
    settings: { tokenHeader: 'X-Token', tokenScheme: 'Token' },
    good: (token: string) => ({ 'x-token': `token ${token}` }),
    ignored: (token: string) => ({ authorization: `Token ${token}` }),
    key: 'x-api-key',
  },
  {
    settings: { apiKeyHeader: 'X-Key' },
    good: (token: string) => ({ authorization: `Bearer ${token}`, 'x-api-key': 'gwk_x' }),
    ignored: () => ({ 'x-api-key': 'gwk_x' }),
    key: 'x-key',
  },
  {
    settings: { tokenHeader: 'X-API-Key', apiKeyHeader: 'X-Key' },
    good: (token: string) => ({ 'x-api-key': `Bearer ${token}` }),
    ignored: (token: string) => ({ authorization: `Bearer ${token}` }),
    key: 'x-key',
  },
] as const

for (const { settings, good, ignored, key } of moved)
  test(`a credential counts where it stands with ${JSON.stringify(settings)}, and nowhere else`, () =>
    withApp(settings, async t => {
      const { access } = await signUp(t, 'ann')
      const ask = (headers: Readonly<Record<string, string>>) => t.call('GET', 'me', { headers })
      assert.equal((await ask(good(access))).status, 200)
      assert.equal(told(await ask(ignored(access))), '401 invalid_token')
      assert.equal(lastReason(t), 'no_credential')
      assert.equal(told(await ask({ [key]: 'gwk_x' })), '401 invalid_token')
      assert.equal(lastReason(t), 'key_form')
      assert.equal(told(await ask({ ...good(access), [key]: 'gwk_x' })), '400 several_credentials')
      const preflight = await t.call('OPTIONS', `/${mount.slice(1)}/me`, {
        headers: { origin: elsewhere, 'access-control-request-method': 'GET' },
      })
      const allowed = String(preflight.headers['access-control-allow-headers']).toLowerCase().split(', ')
      assert.ok(allowed.includes(key))
    }))

test('the Postman collection shows the token where the settings put it', () =>
  withApp({ tokenHeader: 'X-Token', tokenScheme: 'Token' }, async t => {
    const { body } = await t.call('GET', '/docs/postman.json')
    const parts = Object.fromEntries(
      body.auth.apikey.map(({ key, value }: { key: string; value: string }) => [key, value]),
    )
    assert.deepEqual(parts, { key: 'X-Token', value: 'Token {{access_token}}', in: 'header' })
  }))

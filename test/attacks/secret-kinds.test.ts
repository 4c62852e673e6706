import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newId, newSecret, systemRandom } from 'gatewright/random'
import { madeUpPair } from '../../packages/gatewright/src/http/schemas.ts'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { type Answer, type Caller, password, startTestApp, type TestApp } from '../harness.ts'
import { makeOwner, sessionIdOf } from '../senders.ts'
import { type Browser, browse, openBrowser } from '../sessions/browser.ts'
import { createForger, type Forger } from './forger.ts'

const secret = newSecret(systemRandom)
const post = { title: 'Hello', content: 'For everybody.', published: true }

let t: TestApp
let ann: Caller
let tab: Browser
let forger: Forger
let setupToken: string
let cursor: string
before(async () => {
  t = await startTestApp({ gatewrightSecret: [secret] })
  const link = await openSetupLink(t.engine)
  setupToken = link.state === 'made' ? link.token : ''
  ann = await makeOwner(t)
  tab = await openBrowser(t, ann.username)
  forger = await createForger(t, ann.access)
  for (const _ of ['one', 'two']) await t.call('POST', '/api/v2/posts', { token: ann.access, body: post })
  cursor = (await t.call('GET', '/api/v2/posts?limit=1')).body.next_cursor
})
after(() => t.close())

/** Everything of ours that a person, a page or an operator can hold, and what looks like it. */
const kinds = {
  'access token': () => ann.access,
  'refresh token': () => ann.refresh,
  'session secret': () => tab.cookie.split('=')[1],
  'CSRF token': () => tab.csrf,
  'set-up token': () => setupToken,
  cursor: () => cursor,
  password: () => password,
  'access token of the examples': () => 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI',
  'refresh token of the examples': () => madeUpPair.refresh_token.replace('…', 'x'),
  'placeholder of the Postman collection': () => '{{access_token}}',
  'API key that nobody made': () => `gwk_${'A'.repeat(22)}${'B'.repeat(43)}`,
  'client secret that nobody made': () => `gwc_${'A'.repeat(43)}`,
  'public key': () => JSON.stringify({ keys: [forger.publicJwk] }),
  'public key in PEM, in one line': () => forger.publicPem.replaceAll('\n', ''),
  GATEWRIGHT_SECRET: () => secret,
  'JWT of ours without a type': () => forger.ours({ typ: undefined }),
  'JWT of ours of the usual type': () => forger.ours({ typ: 'JWT' }),
  'logout token signed by our key': () => forger.ours({ typ: 'logout+jwt' }),
  'statement of revocations signed by our key': () => forger.ours({ typ: 'gatewright-revocations+jwt' }),
  'assertion for an upstream signed by our key': () => forger.ours({ typ: 'gatewright-assertion+jwt' }),
  'ID token signed by our key': () => forger.oursExactly({ ...forger.header, typ: 'JWT' }, { sub: ann.id }),
  'id of the user': () => ann.id,
  'id of the session': () => sessionIdOf(ann.access),
  'id of the signing key': () => String(forger.header.kid),
  'id of a request': () => newId(systemRandom),
  'ETag of a post': async () =>
    String((await t.call('GET', '/api/v2/posts?limit=1')).headers.etag).replaceAll('"', ''),
} as const satisfies Record<string, () => string | undefined | Promise<string>>

type Kind = keyof typeof kinds

type Place = {
  /** What belongs there; everything else is refused. */
  readonly takes: Kind | undefined
  readonly codes: readonly string[]
  readonly show: (text: string) => Promise<Answer>
}

const setUpAs = { username: 'root', password: `${password} of root` }

/** Everywhere where a request may show one of them. */
const places: Readonly<Record<string, Place>> = {
  'an access token': {
    takes: 'access token',
    codes: ['invalid_token'],
    show: token => t.call('GET', 'me', { token }),
  },
  'an access token on a public page': {
    takes: 'access token',
    codes: ['invalid_token'],
    show: token => t.call('GET', 'posts', { token }),
  },
  'a session cookie': {
    takes: 'session secret',
    codes: ['invalid_token', 'several_credentials'],
    show: text => t.call('GET', 'me', { headers: { cookie: `gw_session=${text}` } }),
  },
  'an API key': {
    takes: undefined,
    codes: ['invalid_token'],
    show: text => t.call('GET', 'me', { headers: { 'x-api-key': text } }),
  },
  'a refresh token': {
    takes: 'refresh token',
    codes: ['invalid_token', 'validation_failed'],
    show: refresh_token => t.call('POST', 'refresh', { body: { refresh_token } }),
  },
  'a refresh token in the header': {
    takes: 'refresh token',
    codes: ['invalid_token'],
    show: token => t.call('POST', 'refresh', { token }),
  },
  'a CSRF token': {
    takes: 'CSRF token',
    codes: ['csrf_failed'],
    show: text => browse(t, tab, 'POST', 'posts', { headers: { 'x-csrf-token': text }, body: post }),
  },
  'a cursor': {
    takes: 'cursor',
    codes: ['validation_failed'],
    show: text => t.call('GET', `/api/v2/posts?limit=1&cursor=${encodeURIComponent(text)}`),
  },
  'a password': {
    takes: 'password',
    codes: ['invalid_credentials', 'validation_failed'],
    show: text => t.call('POST', 'login', { body: { username: ann.username, password: text } }),
  },
  // Last: it can be used once.
  'a set-up token': {
    takes: 'set-up token',
    codes: ['invalid_link', 'validation_failed'],
    show: token => t.call('POST', 'setup', { body: { token, ...setUpAs } }),
  },
}

for (const [as, { takes, codes, show }] of Object.entries(places))
  describe(`used as ${as}`, () => {
    const others = Object.entries(kinds).filter(([kind]) => kind !== takes)
    for (const [kind, make] of others)
      test(`token confusion: ${kind}, used as ${as}, is refused`, async () => {
        const text = await make()
        assert.ok(text)
        const { status, body } = await show(text)
        assert.ok(status >= 400 && status < 500, `${status}`)
        assert.ok(codes.includes(body.code), body.code)
      })
    if (takes !== undefined)
      test(`only the ${takes} itself is taken as ${as}`, async () => {
        const { status, text } = await show((await kinds[takes]()) ?? '')
        assert.ok(status >= 200 && status < 300, text)
      })
  })

test('no log line holds any of them', async () => {
  for (const kind of [
    'access token',
    'refresh token',
    'session secret',
    'CSRF token',
    'set-up token',
  ] as const) {
    const text = (await kinds[kind]()) ?? ''
    assert.ok(!t.logLines.some(line => line.includes(text.slice(-20))), kind)
  }
})

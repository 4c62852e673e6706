import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { hour, second } from 'gatewright/clock'
import { newId, newSecret, systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'
import { newSessionSecret } from '../../packages/gatewright/src/tokens/session-secret.ts'
import { type Answer, type Call, type Caller, password, startTestApp, type TestApp } from '../harness.ts'
import { makeOwner } from '../senders.ts'
import { browse, openBrowser } from '../sessions/browser.ts'
import { signInAs } from '../sessions/signed-in.ts'

let t: TestApp
let alice: Caller
let judged = 0
let hosts = 0
/** An address of its own for each test. */
let address = ''
before(async () => {
  t = await startTestApp({ limitsScale: 1 })
  alice = await makeOwner(t)
  const { verify } = t.engine.accessTokens
  Object.assign(t.engine.accessTokens, {
    verify: (text: string) => {
      judged += 1
      return verify(text)
    },
  })
})
beforeEach(() => {
  hosts += 1
  judged = 0
  address = `10.9.0.${hosts}`
})
after(() => t.close())

const most = 120

const call = (method: string, path: string, options: Call = {}): Promise<Answer> =>
  t.call(method, path, { address, ...options })
/** Whole in form, and signed by nobody. */
const garbage = (): string => `${alice.access.slice(0, -43)}${randomBytes(32).toString('base64url')}`
const show = (token: string): Promise<Answer> => call('GET', 'protected', { token })
const showCookie = (text: string): Promise<Answer> =>
  call('GET', 'protected', { headers: { cookie: `${t.engine.places.cookie.name}=${text}` } })
const madeUp = (): string =>
  makeRefreshToken(t.engine.secrets, { id: newId(systemRandom), refresh_key: newSecret(systemRandom) }, 1)
const refresh = (token: string): Promise<Answer> =>
  call('POST', 'refresh', { body: { refresh_token: token } })

/** An attacker at this address shows what is none of ours, until no more of it is looked at. */
const flood = async (): Promise<void> => {
  for (let shown = 0; shown < most; shown++) assert.equal((await show(garbage())).status, 401)
}

const assertNotJudged = ({ status, body, headers }: Answer): void => {
  assert.equal(status, 429)
  assert.equal(body.code, 'rate_limited')
  assert.equal(headers['retry-after'], '1')
  assert.match(String(headers['ratelimit-policy']), /"refused-credential-address";q=120;w=60/)
}

describe('a flood of made-up credentials from one address', () => {
  test('of tokens is judged 120 times a minute, and then refused before any signature', async () => {
    await flood()
    assert.equal(judged, most)
    for (let more = 0; more < 50; more++) assertNotJudged(await show(garbage()))
    assert.equal(judged, most)
  })

  test('of cookies is looked up 120 times a minute, and then refused before any query', async () => {
    for (let shown = 0; shown < most; shown++)
      assert.equal((await showCookie(newSessionSecret(systemRandom))).status, 401)
    assertNotJudged(await showCookie(newSessionSecret(systemRandom)))
  })

  test('of refresh tokens is looked up 120 times a minute, and then refused before any query', async () => {
    for (let shown = 0; shown < most; shown++) assert.equal((await refresh(madeUp())).status, 401)
    assertNotJudged(await refresh(madeUp()))
  })

  test('of one kind stops all that are not known, also good ones: none is looked at', async () => {
    const { refresh: held, access } = await signInAs(t.engine, alice.id)
    await flood()
    assertNotJudged(await refresh(held))
    assertNotJudged(await show(access))
    assertNotJudged(await showCookie(newSessionSecret(systemRandom)))
  })

  test('is looked at again as time passes: two a second', async () => {
    await flood()
    t.clock.advance(second)
    for (let shown = 0; shown < 2; shown++) assert.equal((await show(garbage())).status, 401)
    assertNotJudged(await show(garbage()))
  })
})

describe('beside such a flood, at the same address,', () => {
  test('a token that was seen before is let in', async () => {
    await show(alice.access)
    await flood()
    assert.equal((await show(alice.access)).status, 200)
  })

  test('whoever signs in is let in with the new token, and may refresh it', async () => {
    await flood()
    const { body } = await call('POST', 'login', { body: { username: alice.username, password } })
    assert.equal((await show(body.access_token)).status, 200)
    const { status, body: next } = await refresh(body.refresh_token)
    assert.equal(status, 200)
    assert.equal((await show(next.access_token)).status, 200)
  })

  test('a cookie that this process gave is let in', async () => {
    const browser = await openBrowser(t, alice.username)
    await flood()
    assert.equal((await browse(t, browser, 'GET', 'sessions/current', { address })).status, 200)
  })

  test('the owner of a token that is not known signs out', async () => {
    const { refresh: held } = await signInAs(t.engine, alice.id)
    await flood()
    assert.equal((await call('POST', 'logout', { body: { refresh_token: held } })).status, 200)
  })

  test('whoever shows no credential reads on', async () => {
    await flood()
    assert.equal((await call('GET', 'posts')).status, 200)
  })
})

test('refused credentials of one address are not counted for another', async () => {
  await flood()
  address = `10.9.1.${hosts}`
  assert.equal((await show(garbage())).status, 401)
})

describe('a token of ours that is over', () => {
  test('counts for nothing where it is known: it costs nothing', async () => {
    const { access } = await makeOwner(t)
    await show(access)
    t.clock.advance(hour)
    for (let shown = 0; shown < 2 * most; shown++) assert.equal((await show(access)).status, 401)
    assert.equal((await show(garbage())).status, 401)
  })

  test('is judged 120 times a minute where it is not known, and keeps no other from being judged', async () => {
    const tokens = [await signInAs(t.engine, alice.id), await signInAs(t.engine, alice.id)].map(
      ({ access }) => access,
    )
    t.clock.advance(hour)
    const [one = '', other = ''] = tokens
    for (let shown = 0; shown < most; shown++) assert.equal((await show(one)).body.code, 'token_expired')
    assert.equal(judged, most)
    assert.equal((await show(one)).status, 429)
    assert.equal(judged, most)
    assert.equal((await show(other)).body.code, 'token_expired')
  })

  test('does not make a flood of an office that comes back in the morning', async () => {
    const owner = await makeOwner(t)
    const held = await Promise.all(Array.from({ length: 90 }, () => signInAs(t.engine, owner.id)))
    t.clock.advance(hour)
    for (const { access } of [...held, ...held]) assert.equal((await show(access)).body.code, 'token_expired')
    for (const { refresh: token } of held) assert.equal((await refresh(token)).status, 200)
  })
})

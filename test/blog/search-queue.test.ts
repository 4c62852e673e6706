import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { disableUser } from 'gatewright/administration'
import { minute } from 'gatewright/clock'
import { exchange, listen, type RawAnswer, toRequest } from '../attacks/raw-http.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import { browse, openBrowser } from '../sessions/browser.ts'
import { holdSearches } from './held-searches.ts'

type Headers = Readonly<Record<string, string>>

const system = { actor: 'system', address: null, requestId: null }
const path = '/api/v2/posts?q=needle'
const bearer = ({ access }: { readonly access: string }): Headers => ({ authorization: `Bearer ${access}` })
const from = (address: string): Headers => ({ 'x-forwarded-for': address })

/** Status, and of a refusal its code and Retry-After. */
const show = ({ status, headers, body }: RawAnswer): string => {
  if (status === 200) return '200'
  const after = headers.find(([name]) => name === 'retry-after')?.[1] ?? ''
  return `${status} ${JSON.parse(body).code} ${after}`.trim()
}

const several = (count: number, headers: Headers) => Array.from({ length: count }, () => headers)
const strangers = (count: number) => Array.from({ length: count }, (_, n) => from(`203.0.113.${n + 1}`))

/** The blog on a real socket, where searches stand still until they are let go. */
const start = async (context: TestContext) => {
  const t = await startTestApp({ trustedProxies: ['127.0.0.1'] })
  const port = await listen(t)
  const { untilAsked, letGo } = holdSearches(t)
  context.after(async () => {
    letGo()
    await t.close()
  })
  let count = 0

  /** Sends a search; resolves once it has a place or was refused one, to what gives the answer. */
  const ask = async (headers: Headers) => {
    const answer = exchange(port, toRequest('GET', path, headers))
    await untilAsked(++count)
    return async () => show(await answer)
  }
  const askAll = async (callers: readonly Headers[]) => {
    const answers = []
    for (const caller of callers) answers.push(await ask(caller))
    return answers
  }
  /** Strangers take both running places: whoever comes now waits. */
  const occupy = () => askAll([from('198.51.100.1'), from('198.51.100.2')])
  /** Sends a search as well; its connection can be closed before the answer. */
  const leave = async (headers: Headers): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.write(toRequest('GET', path, headers))
    await untilAsked(++count)
    return socket
  }
  return { t, ask, askAll, occupy, leave, letGo }
}

type Act = (method: string, path: string, body?: object) => Promise<unknown>

const endings: Readonly<Record<string, (t: TestApp, userId: string, act: Act) => Promise<unknown>>> = {
  'signed out': (_t, _userId, act) => act('POST', 'logout'),
  disabled: (t, userId) => disableUser(t.engine, { userId, origin: system }),
  deleted: (_t, _userId, act) => act('DELETE', 'me', { password }),
}

for (const [ending, end] of Object.entries(endings)) {
  test(`slow search: with a token, who is ${ending} while it waits gets no answer`, async context => {
    const { t, ask, occupy, letGo } = await start(context)
    const alice = await signUp(t, 'alice')
    const others = await occupy()
    const answer = await ask(bearer(alice))
    await end(t, alice.id, (method, path, body) => t.call(method, path, { token: alice.access, body }))
    letGo()
    assert.equal(await answer(), '401 session_ended')
    for (const other of others) assert.equal(await other(), '200')
  })

  test(`slow search: with a cookie, who is ${ending} while it waits gets no answer`, async context => {
    const { t, ask, occupy, letGo } = await start(context)
    const { id } = await signUp(t, 'alice')
    const browser = await openBrowser(t, 'alice')
    await occupy()
    const answer = await ask({ cookie: browser.cookie })
    await end(t, id, (method, path, body) => browse(t, browser, method, path, { body }))
    letGo()
    assert.equal(await answer(), '401 session_ended')
  })
}

test('slow search: a token that expires while it waits is refused', async context => {
  const { t, ask, occupy, letGo } = await start(context)
  const alice = await signUp(t, 'alice')
  await occupy()
  const answer = await ask(bearer(alice))
  t.clock.advance(11 * minute)
  letGo()
  assert.equal(await answer(), '401 token_expired')
})

test('slow search: it is answered where nothing has changed, signed in or not', async context => {
  const { t, askAll, occupy, letGo } = await start(context)
  const alice = await signUp(t, 'alice')
  const { cookie } = await openBrowser(t, 'alice')
  await occupy()
  const answers = await askAll([bearer(alice), { cookie }, from('192.0.2.1')])
  letGo()
  for (const answer of answers) assert.equal(await answer(), '200')
})

for (const [whose, flooding, further] of [
  ['an address', () => from('192.0.2.1'), () => from('192.0.2.1')],
  ['a /64 of IPv6', () => from('2001:db8::1'), () => from('2001:db8::2')],
] as const)
  test(`flood: ${whose} has four places, and keeps nobody else from searching`, async context => {
    const { t, ask, askAll, letGo } = await start(context)
    const alice = await signUp(t, 'alice')
    const flood = await askAll(several(4, flooding()))
    assert.equal(await (await ask(further()))(), '429 rate_limited 1')
    const others = await askAll([from('192.0.2.2'), { ...bearer(alice), ...further() }])
    letGo()
    for (const answer of [...flood, ...others]) assert.equal(await answer(), '200')
    assert.equal(await (await ask(further()))(), '200', 'the places were given back')
  })

test('flood: a user has four places, from whatever addresses', async context => {
  const { t, ask, askAll, letGo } = await start(context)
  const [alice, bob] = [await signUp(t, 'alice'), await signUp(t, 'bob')]
  const flood = await askAll(strangers(4).map(address => ({ ...address, ...bearer(alice) })))
  assert.equal(await (await ask({ ...from('192.0.2.9'), ...bearer(alice) }))(), '429 rate_limited 1')
  const other = await ask({ ...strangers(1)[0], ...bearer(bob) })
  letGo()
  for (const answer of [...flood, other]) assert.equal(await answer(), '200')
})

test('flood: many addresses without a credential leave eight places to who has signed in, and users share those', async context => {
  const { t, ask, askAll, letGo } = await start(context)
  const [alice, bob, carol] = [await signUp(t, 'alice'), await signUp(t, 'bob'), await signUp(t, 'carol')]
  const flood = await askAll(strangers(2 + 8))
  assert.equal(await (await ask(from('192.0.2.1')))(), '503 unavailable 1')
  const users = await askAll([...several(4, bearer(alice)), ...several(4, bearer(bob))])
  const carols = await ask(bearer(carol))
  assert.equal(await users[3]?.(), '503 unavailable 1', 'one of those who had most')
  letGo()
  for (const answer of [...flood, ...users.toSpliced(3, 1), carols]) assert.equal(await answer(), '200')
})

test('flood: who closes the connection leaves the queue at once, and the place is free', async context => {
  const { t, ask, askAll, leave, letGo } = await start(context)
  const running = await askAll(several(2, from('192.0.2.1')))
  const sockets = [await leave(from('192.0.2.1')), await leave(from('192.0.2.1'))]
  assert.equal(await (await ask(from('192.0.2.1')))(), '429 rate_limited 1')
  for (const socket of sockets) socket.destroy()
  const countConnections = promisify(t.app.server.getConnections.bind(t.app.server))
  await until('only the two that run are connected', async () => (await countConnections()) === 2)
  const others = await askAll([from('192.0.2.1'), from('192.0.2.1')])
  letGo()
  for (const answer of [...running, ...others]) assert.equal(await answer(), '200')
})

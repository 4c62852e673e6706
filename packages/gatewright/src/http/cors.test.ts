import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Answer, send } from '../../../../test/process/http-client.ts'
import { type ListeningApp, startListeningApp } from '../../../../test/process/listening-app.ts'

const listed = ['https://app.example.org', 'http://localhost:5173'] as const

const strangers = [
  'https://other.example.org',
  'https://app.example.org.evil.test',
  'https://evil.test/https://app.example.org',
  'http://app.example.org',
  'https://app.example.org:8443',
  'https://APP.example.org',
  'https://app.example.org/',
  'app.example.org',
  'http://localhost:5174',
  'null',
  '*',
  '',
] as const

const ends: (() => Promise<void>)[] = []
let t: ListeningApp
before(async () => {
  t = await startListeningApp({ after: end => ends.push(end) }, { corsOrigins: listed })
})
after(async () => {
  for (const end of ends) await end()
})

const fromOrigin = (origin: string, path = '/numbers', method = 'GET'): Promise<Answer> =>
  send(method, t.url + path, { headers: { origin } })

const preflight = (origin: string, path = '/numbers', method = 'POST'): Promise<Answer> =>
  send('OPTIONS', t.url + path, { headers: { origin, 'access-control-request-method': method } })

const corsHeadersOf = ({ headers }: Answer): readonly string[] =>
  Object.keys(headers).filter(name => name.startsWith('access-control-'))

describe('an origin that is not listed', () => {
  for (const origin of strangers)
    test(`gets no header: ${JSON.stringify(origin)}`, async () => {
      for (const answer of [
        await fromOrigin(origin),
        await preflight(origin),
        await fromOrigin(origin, '/nowhere'),
      ]) {
        assert.deepEqual(corsHeadersOf(answer), [])
        assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin')
      }
    })

  test('gets no answer to a preflight, but the one to a wrong method', async () => {
    assert.equal((await preflight('https://other.example.org')).status, 405)
  })

  test('is any origin where none is listed', async owner => {
    const app = await startListeningApp(owner)
    for (const origin of [...listed, ...strangers, app.url]) {
      const answer = await send('GET', `${app.url}/numbers`, { headers: { origin } })
      assert.deepEqual(corsHeadersOf(answer), [], origin)
    }
  })
})

describe('a listed origin', () => {
  for (const origin of listed)
    test(`may read, errors too: ${origin}`, async () => {
      for (const path of ['/numbers', '/nowhere', '/throws', '/auth/protected']) {
        const { headers } = await fromOrigin(origin, path)
        assert.equal(headers['access-control-allow-origin'], origin, path)
        assert.equal(headers['cross-origin-resource-policy'], 'cross-origin', path)
        assert.match(String(headers.vary), /\bOrigin\b/, path)
        for (const name of ['Retry-After', 'X-Request-Id', 'WWW-Authenticate', 'Location', 'ETag'])
          assert.ok(String(headers['access-control-expose-headers']).split(', ').includes(name), name)
      }
    })

  test('learns from a preflight which methods and headers it may send, without a credential', async () => {
    for (const path of ['/numbers', '/auth/protected', '/auth/login']) {
      const answer = await preflight(listed[0], path)
      assert.deepEqual([answer.status, answer.text], [204, ''])
      const { headers } = answer
      assert.equal(headers['access-control-allow-origin'], listed[0])
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
        assert.ok(String(headers['access-control-allow-methods']).split(', ').includes(method), method)
      for (const name of ['Authorization', 'Content-Type', 'X-API-Key', 'X-CSRF-Token', 'Idempotency-Key'])
        assert.ok(String(headers['access-control-allow-headers']).split(', ').includes(name), name)
      assert.equal(headers['access-control-max-age'], '600')
      assert.equal(headers['x-content-type-options'], 'nosniff')
    }
  })

  test('gets no answer of a route to a preflight: nothing is done', async () => {
    const answer = await preflight(listed[0], '/throws', 'GET')
    assert.deepEqual([answer.status, answer.text], [204, ''])
  })

  test('is never given the other one', async () => {
    for (const origin of listed)
      assert.equal((await fromOrigin(origin)).headers['access-control-allow-origin'], origin)
  })

  test('twice in one request is no listed origin', async () => {
    assert.deepEqual(corsHeadersOf(await fromOrigin(`${listed[0]}, ${listed[1]}`)), [])
  })

  test('still needs a credential', async () => {
    assert.equal((await fromOrigin(listed[0], '/auth/protected')).status, 401)
  })
})

test('nobody is given "*", and nobody credentials who is not listed', async () => {
  for (const origin of [...listed, ...strangers])
    for (const answer of [await fromOrigin(origin), await preflight(origin)]) {
      assert.notEqual(answer.headers['access-control-allow-origin'], '*')
      const isListed = listed.some(each => each === origin)
      assert.equal(answer.headers['access-control-allow-credentials'], isListed ? 'true' : undefined)
    }
})

test('OPTIONS that is no preflight is a wrong method', async () => {
  const answer = await send('OPTIONS', `${t.url}/numbers`, { headers: { origin: listed[0] } })
  assert.deepEqual([answer.status, answer.field('code')], [405, 'method_not_allowed'])
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { OpenApi } from '../../packages/gatewright/src/http/reference/open-api.ts'
import { listOperations } from '../../packages/gatewright/src/http/reference/operations.ts'
import { signUp, startTestApp, type TestApp } from '../harness.ts'
import { startExampleIssuer } from '../issuers/example-issuer.ts'
import { matrix, parseMatrix } from '../route-matrix.ts'
import { findOperation, follow, readOpenApi } from './document.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('the document is valid by the official schema of OpenAPI 3.1', async () => {
  const validator = new Validator()
  const result = await validator.validate({ ...(await readOpenApi(t)) })
  assert.deepEqual(result, { valid: true })
  assert.equal(validator.version, '3.1')
})

test('every route but pages, parts of pages and HEAD of a GET is an operation', async () => {
  const document = await readOpenApi(t)
  const { routes } = t.app.routeTable
  const missing = routes.filter(
    ({ method, url }) => findOperation(document, `${method} ${url}`) === undefined,
  )
  const gets = new Set(routes.filter(({ method }) => method === 'GET').map(({ url }) => url))
  const unexpected = missing.filter(({ method, url, page }) => !page && !(method === 'HEAD' && gets.has(url)))
  assert.deepEqual(unexpected, [])
  const count = Object.values(document.paths).flatMap(item => Object.keys(item)).length
  assert.equal(count, listOperations(routes).length)
  assert.ok(count >= 25)
})

type Answer = {
  readonly content: {
    readonly 'application/problem+json'?: {
      readonly schema: {
        readonly allOf: readonly [
          unknown,
          { readonly properties: { readonly code: { readonly enum: readonly string[] } } },
        ]
      }
    }
  }
}

const codesOf = (document: OpenApi, response: unknown): readonly string[] => {
  const answer = follow(document, response) as Answer | undefined
  return answer?.content['application/problem+json']?.schema.allOf[1].properties.code.enum ?? []
}

test('every refusal that the route matrix knows stands in the document with its status', async () => {
  const document = await readOpenApi(t)
  let seen = 0
  for (const { route, of, expected } of parseMatrix(matrix).rows) {
    const operation = findOperation(document, route)
    if (operation === undefined) continue
    for (const [sender, words] of Object.entries(expected)) {
      const [status = '', code] = words.split(' ')
      const answer = follow(document, operation.responses[status]) as Answer | undefined
      assert.ok(answer, `${route} (${of}) as ${sender}: ${words} is not documented`)
      if (code === undefined) continue
      assert.ok(
        codesOf(document, answer).includes(code),
        `${route} (${of}) as ${sender}: ${words} is not documented`,
      )
      seen += 1
    }
  }
  assert.ok(seen > 200)
})

test('every operation says who may use it, names its limit and explains itself', async () => {
  const document = await readOpenApi(t)
  for (const { method, url, rule, reference } of listOperations(t.app.routeTable.routes)) {
    const operation = findOperation(document, `${method} ${url}`)
    assert.ok(reference, `${method} ${url}: declare config.reference (tag, summary, example)`)
    assert.equal(operation?.summary, reference.summary)
    assert.match(operation.description, new RegExp(`^Who: .+\\. Limit: \`${rule.limit}\`\\.$`))
  }
})

test('an operation asks for a token unless it is public, and where one is of use it is optional', async () => {
  const document = await readOpenApi(t)
  const securityOf = (route: string) => findOperation(document, route)?.security
  assert.deepEqual(securityOf('GET /healthz'), [])
  assert.deepEqual(securityOf('POST /api/v1/login'), [])
  const either = [{ bearer: [] }, { cookie: [] }]
  assert.deepEqual(securityOf('POST /api/v1/sessions'), [])
  assert.deepEqual(securityOf('POST /api/v1/refresh'), [{}, { bearer: [] }])
  const any = [...either, { api_key: [] }]
  assert.deepEqual(securityOf('GET /api/v1/posts'), [{}, ...any])
  assert.deepEqual(securityOf('GET /api/v1/posts/:id'), [{}, ...any])
  assert.deepEqual(securityOf('POST /api/v1/logout'), [{}, ...either])
  assert.deepEqual(securityOf('PUT /api/v1/posts/:id'), any)
  assert.deepEqual(securityOf('GET /api/v1/admin/settings'), any)
  assert.deepEqual(securityOf('GET /api/v1/me'), either)
})

test('tokens of other issuers are documented where some are trusted, on routes that take them, and none is named', async context => {
  const issuer = await startExampleIssuer()
  const other = await startTestApp({ ...issuer.settings, apiKeyHeader: 'X-Program' })
  context.after(async () => {
    await other.close()
    await issuer.close()
  })
  const plain = Object.keys((await readOpenApi(t)).components.securitySchemes as object)
  assert.deepEqual(plain, ['bearer', 'cookie', 'api_key'])
  const document = await readOpenApi(other)
  const schemes = document.components.securitySchemes as Record<string, Record<string, string>>
  assert.deepEqual(Object.keys(schemes), [...plain, 'other_issuer'])
  assert.equal(schemes.other_issuer?.scheme, 'bearer')
  assert.equal(schemes.api_key?.name, 'X-Program')
  const takes = (route: string) =>
    findOperation(document, route)?.security.some(scheme => 'other_issuer' in scheme)
  assert.deepEqual([takes('GET /api/v1/users'), takes('GET /api/v1/me')], [true, false])
  assert.ok(!JSON.stringify(document.components.securitySchemes).includes('sso.example.org'))
})

test('the session cookie is documented under the name that it has over TLS and without', async () => {
  const names = { 'http://localhost:3000': 'gw_session', 'https://api.example': '__Host-gw_session' }
  for (const [publicUrl, name] of Object.entries(names)) {
    const other = await startTestApp({ publicUrl })
    try {
      const { cookie } = (await readOpenApi(other)).components.securitySchemes as Record<string, object>
      const { description, ...scheme } = cookie as { readonly description: string }
      assert.deepEqual(scheme, { type: 'apiKey', in: 'cookie', name })
    } finally {
      await other.close()
    }
  }
})

test('what changes something tells of csrf_failed, and of the header where a cookie lets somebody in', async () => {
  const document = await readOpenApi(t)
  for (const { method, url, rule } of listOperations(t.app.routeTable.routes)) {
    const operation = findOperation(document, `${method} ${url}`)
    const takesHeader = operation?.parameters?.some(({ name }) => name === 'X-CSRF-Token') ?? false
    const name = `${method} ${url}`
    const isTold = codesOf(document, operation?.responses[403]).includes('csrf_failed')
    assert.equal(isTold, method !== 'GET', name)
    if (method === 'GET' || rule.ignoresCookie) assert.equal(takesHeader, false, name)
    else assert.equal(takesHeader, true, name)
  }
})

test('preconditions, keys and conditional reads are told of with their headers and answers', async () => {
  const document = await readOpenApi(t)
  const tell = (route: string) => {
    const { parameters = [], responses = {} } = findOperation(document, route) ?? {}
    const success = Object.keys(responses).find(status => status.startsWith('2')) ?? ''
    const headers = Object.keys((responses[success] as { readonly headers: object }).headers)
    return {
      takes: parameters
        .filter(({ in: place }) => place === 'header')
        .map(({ name, required }) => `${name}${required ? ' must' : ''}`),
      answers: ['304', '412', '422', '428'].filter(status => status in responses),
      shows: ['ETag', 'Location', 'Idempotency-Replayed'].filter(name => headers.includes(name)),
    }
  }
  for (const noun of ['posts', 'todos']) {
    assert.deepEqual(tell(`GET /api/v2/${noun}/:id`), {
      takes: ['If-None-Match'],
      answers: ['304'],
      shows: ['ETag'],
    })
    assert.deepEqual(tell(`POST /api/v2/${noun}`), {
      takes: ['Idempotency-Key', 'X-CSRF-Token'],
      answers: ['422'],
      shows: ['ETag', 'Location', 'Idempotency-Replayed'],
    })
    assert.deepEqual(tell(`PATCH /api/v2/${noun}/:id`), {
      takes: ['If-Match must', 'X-CSRF-Token'],
      answers: ['412', '428'],
      shows: ['ETag'],
    })
    assert.deepEqual(tell(`DELETE /api/v2/${noun}/:id`), {
      takes: ['If-Match', 'X-CSRF-Token'],
      answers: ['412'],
      shows: [],
    })
  }
  assert.deepEqual(tell('PUT /api/v1/posts/:id'), { takes: ['X-CSRF-Token'], answers: [], shows: [] })
})

test('a token that stands elsewhere is documented where it stands', async () => {
  const other = await startTestApp({ tokenHeader: 'X-Token', tokenScheme: 'Token', appName: 'Boats' })
  try {
    const { components, info } = await readOpenApi(other)
    const { bearer } = components.securitySchemes as Record<string, { type: string; name?: string }>
    assert.equal(bearer?.type, 'apiKey')
    assert.equal(bearer.name, 'X-Token')
    assert.equal(info.title, 'Boats')
  } finally {
    await other.close()
  }
})

test('the document is kept by caches and asked for again by its tag, but never with a credential', async () => {
  const { status, headers } = await t.call('GET', '/openapi.json')
  assert.equal(status, 200)
  assert.equal(headers['cache-control'], 'public, max-age=600')
  assert.match(String(headers.vary), /Authorization, Cookie, X-API-Key, Origin/)
  const etag = String(headers.etag)
  const again = await t.call('GET', '/openapi.json', { headers: { 'if-none-match': `"other", ${etag}` } })
  assert.equal(again.status, 304)
  assert.equal(again.text, '')
  const { access } = await signUp(t, 'reader')
  const own = await t.call('GET', '/openapi.json', { token: access, headers: { 'if-none-match': etag } })
  assert.equal(own.status, 200)
  assert.equal(own.headers['cache-control'], 'no-store')
})

test('what is sent zipped is what is sent plainly', async () => {
  for (const path of ['/openapi.json', '/docs/swagger-ui.js']) {
    const plain = await t.app.inject({ url: path })
    const zipped = await t.app.inject({ url: path, headers: { 'accept-encoding': 'gzip, br' } })
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.equal(zipped.headers['content-encoding'], 'gzip')
    const body = await new Response(
      new Blob([new Uint8Array(zipped.rawPayload)]).stream().pipeThrough(new DecompressionStream('gzip')),
    ).text()
    assert.ok(body === plain.payload)
    assert.ok(zipped.rawPayload.length < plain.rawPayload.length / 2)
  }
})

test('nothing secret stands in the documents', async () => {
  const secret = Buffer.alloc(32, 'secret').toString('base64url')
  const other = await startTestApp({ gatewrightSecret: [secret] })
  try {
    for (const path of ['/openapi.json', '/docs/postman.json']) {
      const { text } = await other.call('GET', path)
      assert.ok(!text.includes(secret))
      assert.ok(!text.includes('sqlite'))
      assert.doesNotMatch(text, /gwr_[A-Za-z0-9]/)
    }
  } finally {
    await other.close()
  }
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let token: string
before(async () => {
  t = await startTestApp()
  token = (await signUp(t, 'alice')).access
})
after(() => t.close())

const files = [
  '/.git/HEAD',
  '/.env',
  '/.env.production',
  '/.svn/entries',
  '/.DS_Store',
  '/package.json',
  '/package-lock.json',
  '/node_modules/fastify/package.json',
  '/Dockerfile',
  '/data/gatewright.db',
  '/data/secret',
  '/server.js.map',
  '/main.ts',
  '/config.yaml',
  '/docs/errors.bak',
  '/docs/reference.js.map',
  '/console/assets/index.js.map',
  '/debug',
  '/debug/pprof',
  '/json/version',
]

test('no file of the installation, no copy and no source map is served', async () => {
  for (const path of files) {
    const { status } = await t.call('GET', path, { token })
    assert.ok(status === 404, `${path}: ${status}`)
  }
})

test('no folder is listed', async () => {
  for (const path of ['/docs/', '/data/', '/node_modules/', '/api/', '/api/v1/']) {
    const { status, text } = await t.call('GET', path, { token })
    assert.doesNotMatch(text, /href="[^"]*(\.\.|node_modules)/, path)
    assert.ok(status === 404 || path === '/docs/', `${path}: ${status}`)
  }
})

test('no answer names the software or a version of it', async () => {
  for (const path of ['/healthz', '/nowhere', '/api/v1/me', '/docs/errors']) {
    const { headers, text } = await t.call('GET', path)
    for (const name of ['server', 'x-powered-by', 'via', 'x-runtime']) assert.equal(headers[name], undefined)
    assert.doesNotMatch(text, /fastify|node\.js|kysely|sqlite|postgres/i, path)
  }
})

/** Where programs are commonly told to send the browser on. */
const targets = ['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)']

test('open redirect: no route sends a browser anywhere, whatever the address asks for', async () => {
  const reads = t.app.routeTable.routes.filter(({ method }) => method === 'GET')
  assert.ok(reads.length > 10)
  for (const { url } of reads)
    for (const target of targets)
      for (const name of ['returnTo', 'next', 'redirect_uri', 'url']) {
        const query = new URLSearchParams({ [name]: target })
        const { status, headers } = await t.call('GET', `${url.replaceAll(/[:*]\w*/g, 'x')}?${query}`, {
          token,
        })
        assert.equal(headers.location, undefined, url)
        assert.ok(status < 300 || status >= 400, `${url}: ${status}`)
      }
})

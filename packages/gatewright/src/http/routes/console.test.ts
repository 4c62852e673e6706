import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import { startTestApp, type TestApp } from '../../../../../test/harness.ts'
import { consoleRoutes } from './console.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('where the console was not built, its addresses say in one plain line how to build it', async () => {
  const app = Fastify()
  consoleRoutes(app, t.engine, '/auth', () => undefined)
  for (const url of ['/console', '/console/me']) {
    const { statusCode, headers, payload } = await app.inject({ url })
    assert.equal(statusCode, 503)
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
    assert.match(payload, /^The console is not built\. Run "node tools\/build-console\.ts" .*\n$/)
  }
  assert.notEqual((await app.inject({ url: '/console/assets/index.js' })).statusCode, 200)
  await app.close()
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { everyone } from 'gatewright/access'
import { type Application, createApp } from 'gatewright/app'
import { pino } from 'pino'
import { startTestApp, type TestApp } from './harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'
const ask = (accept?: string) => t.call('GET', '/', { headers: accept === undefined ? {} : { accept } })

for (const accept of [browser, 'text/html'])
  test(`a browser that opens the bare address (Accept: ${accept}) is led to the console`, async () => {
    const { status, headers } = await ask(accept)
    assert.deepEqual([status, headers.location], [302, '/console'])
    assert.equal(headers['cache-control'], 'no-store', 'no cache hands it to a program')
  })

for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/html;q=0.9'])
  test(`a program that asks it (Accept: ${accept ?? 'left out'}) is told what is where, and it is there`, async () => {
    const { status, body } = await ask(accept)
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(body), ['console', 'reference', 'openapi'])
    for (const url of Object.values<string>(body)) {
      assert.ok(url.startsWith(t.engine.publicUrl))
      assert.equal((await t.call('GET', new URL(url).pathname)).status, 200, url)
    }
  })

test('an open redirect: whatever stands behind the bare address, it leads to the console of this host', async () => {
  for (const path of ['/?to=https://evil.example', '/?//evil.example', '/#//evil.example'])
    assert.equal(
      (await t.call('GET', path, { headers: { accept: 'text/html' } })).headers.location,
      '/console',
    )
})

test('the console and the reference are there with a slash at the end as well', async () => {
  for (const path of ['/console', '/docs']) {
    const [bare, slashed] = [await t.call('GET', path), await t.call('GET', `${path}/`)]
    assert.deepEqual([bare.status, slashed.status], [200, 200])
    assert.equal(slashed.headers['content-type'], bare.headers['content-type'])
  }
})

test('where no session cookie is taken, which the console needs, a browser is led to the reference', async context => {
  const own = await startTestApp({ credentials: ['bearer'] })
  context.after(() => own.close())
  const { headers } = await own.call('GET', '/', { headers: { accept: browser } })
  assert.equal(headers.location, '/docs')
})

const log = pino({ level: 'silent' })
const gate = { access: everyone(), limit: 'read', audit: 'none' } as const
const own: Application = {
  plugin: async app => void app.get('/', { config: { gate } }, async () => ({ its: 'own' })),
}

test('an application that has a bare address of its own keeps it', async () => {
  const { app } = await createApp({ engine: t.engine, log, mount: '/auth', application: own })
  assert.deepEqual((await app.inject({ url: '/' })).json(), { its: 'own' })
  await app.close()
})

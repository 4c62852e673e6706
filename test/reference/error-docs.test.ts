import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApp } from 'gatewright/app'
import { pino } from 'pino'
import { refusals } from '../../packages/gatewright/src/ground/refusal.ts'
import { advice } from '../../packages/gatewright/src/http/advice.ts'
import { statuses } from '../../packages/gatewright/src/http/problem.ts'
import { startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let page: string
before(async () => {
  t = await startTestApp()
  page = (await t.call('GET', '/docs/errors', { headers: { accept: 'text/html' } })).text
})
after(() => t.close())

type Entry = { readonly code: string; readonly status: string; readonly means: string; readonly todo: string }

const readEntries = (html: string): readonly Entry[] =>
  [
    ...html.matchAll(
      /<dt id="(\w+)"><code>\1<\/code> \((\d{3})\)<\/dt>\n<dd><p>(.*?)<\/p><p><strong>What to do:<\/strong> (.*?)<\/p><\/dd>/g,
    ),
  ].map(([, code = '', status = '', means = '', todo = '']) => ({ code, status, means, todo }))

test('the page of errors says of every code what it means and what to do', () => {
  const entries = readEntries(page)
  assert.deepEqual(entries.map(({ code }) => code).sort(), Object.keys(refusals).sort())
  for (const { code, status, means, todo } of entries) {
    assert.equal(status, String(statuses[code as keyof typeof statuses]))
    for (const text of [means, todo]) assert.match(text, /^(<code>|[A-Z]).{4,}\.$/, code)
  }
})

test('a refusal leads to its own entry', async () => {
  const { body } = await t.call('GET', 'me')
  const { pathname, hash } = new URL(body.type)
  assert.equal(pathname, '/docs/errors')
  assert.ok(page.includes(`<dt id="${hash.slice(1)}">`))
})

test('nothing of how its texts are written is left in it, and no text becomes markup', () => {
  const text = readEntries(page)
    .map(({ means, todo }) => means + todo)
    .join('')
  assert.doesNotMatch(text, /`|\{mount\}|\]\(|undefined/)
  assert.deepEqual(new Set(text.match(/<[^>]*>/g)), new Set(['<code>', '</code>']))
})

test('the routes that it names are those of this server, wherever they stand', async () => {
  const known = t.app.routeTable.routes.map(({ method, url }) => `${method} ${url}`)
  const named = [...page.matchAll(/<code>((?:GET|POST|PUT|DELETE) [^<]*)<\/code>/g)].map(
    ([, route = '']) => route,
  )
  assert.ok(named.length > 3)
  for (const route of named) assert.ok(known.includes(route), route)
  const log = pino({ level: 'silent' })
  const { app } = await createApp({ engine: t.engine, log, mount: '/accounts' })
  const elsewhere = (await app.inject({ url: '/docs/errors' })).payload
  assert.equal(elsewhere, page.replaceAll('/api/v1/', '/accounts/'))
  await app.close()
})

test('a text is one line, which a table of Markdown takes as it is', () => {
  for (const { means, todo } of Object.values(advice))
    for (const text of [means, todo]) assert.doesNotMatch(text, /[\n|]/)
})

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { type Setting, settingRows } from 'gatewright/settings'
import { mount } from '../apps/blog/src/blog.ts'
import { auditEvents } from '../packages/gatewright/src/audit/events.ts'
import { type RefusalCode, refusals } from '../packages/gatewright/src/ground/refusal.ts'
import { advice } from '../packages/gatewright/src/http/advice.ts'
import { statuses } from '../packages/gatewright/src/http/problem.ts'
import { signUp, startTestApp, type TestApp } from './harness.ts'
import { readBlocks, readCodeWords, readDocument, top, toTable, withParts } from './markdown.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const page = readDocument('docs/troubleshooting.md')
const words = readCodeWords(page)
const settings: readonly Setting[] = settingRows

/** The tables of codes stand below headings that are statuses. */
const headings = [...page.matchAll(/^## (\d{3}(?:, \d{3})*)$/gm)].map(([, heading = '']) => heading)

const codesOf = (status: string): readonly RefusalCode[] =>
  (Object.keys(advice) as RefusalCode[]).filter(code => String(statuses[code]) === status)

const toCells = (code: RefusalCode, isAlone: boolean): readonly string[] => {
  const { means, todo } = advice[code]
  const texts = [means, todo].map(text => text.replaceAll('{mount}', mount))
  return [`\`${code}\``, ...(isAlone ? [] : [String(statuses[code])]), ...texts]
}

const toCodeTable = (heading: string): string => {
  const named = heading.split(', ')
  const isAlone = named.length === 1
  return toTable(
    ['code', ...(isAlone ? [] : ['status']), 'what it means', 'what to do'],
    named.flatMap(codesOf).map(code => toCells(code, isAlone)),
  )
}

test('every code has one row, below its own status, as the server tells it at /docs/errors', () => {
  const parts = headings.map(heading => [`codes of ${heading}`, toCodeTable(heading)])
  assert.equal(page, withParts('docs/troubleshooting.md', Object.fromEntries(parts)))
  const named = headings.flatMap(heading => heading.split(', '))
  assert.deepEqual(named.flatMap(codesOf).sort(), Object.keys(refusals).sort())
})

test('every setting that it names exists and takes the value that stands with it', () => {
  const named = words.flatMap(word => [...word.matchAll(/^([A-Z][A-Z_]+)(?:=(\S+))?(?: npm start)?$/g)])
  assert.ok(named.length > 20)
  for (const { 1: name = '', 2: value } of named) {
    const row = settings.find(row => row.name === name)
    assert.ok(row, name)
    if (value !== undefined) assert.notEqual(row.parse(value), undefined, `${name}=${value}`)
  }
})

/** The source without its tests, comments included: what a page names must be there as a whole word. */
const source = globSync('{packages,apps}/*/src/**/*.ts', { cwd: top })
  .filter(path => !path.endsWith('.test.ts'))
  .map(path => readFileSync(join(top, path), 'utf8'))
  .join('\n')

test('every field, reason and event that it names stands in the code', () => {
  const names = words.filter(word => /^[a-z]+(_[a-z]+)+$/.test(word))
  // Put together from the kind of credential.
  const missing = names.filter(name => name !== 'unknown_other' && !new RegExp(`\\b${name}\\b`).test(source))
  assert.deepEqual(missing, [])
  const events = words.filter(word => /^(user|session|refresh-token)\.[a-z-]+$/.test(word))
  assert.ok(events.length > 0)
  assert.deepEqual(
    events.filter(event => !(event in auditEvents)),
    [],
  )
})

test('every route that it names is there', () => {
  const known = t.app.routeTable.routes.map(({ method, url }) => `${method} ${url}`)
  const named = words.filter(word => /^[A-Z]+ \//.test(word))
  assert.ok(named.length > 3)
  assert.deepEqual(
    named.filter(route => !known.includes(route)),
    [],
  )
})

test('every line of the start that it quotes stands in the code', () => {
  const [, table = ''] = page.split('| the line says |')
  const quoted = [...(table.split('\n\n')[0]?.matchAll(/^\| (`.*?`) \|/gm) ?? [])].flatMap(([, cell = '']) =>
    readCodeWords(cell),
  )
  assert.ok(quoted.length > 5)
  // Said by SQLite and by the linker, not by us.
  const foreign = /^(file is not a database|unable to open database file|libatomic\.so\.1: )/
  const scripts = readFileSync(join(top, 'tools/node-runs.sh'), 'utf8')
  for (const line of quoted.filter(line => !foreign.test(line)))
    for (const part of line.split('…').map(text => text.trim()))
      assert.ok(source.includes(part) || scripts.includes(part), line)
})

const queries = readBlocks(page).filter(({ language }) => language === 'sql')

const ask = (query: string | undefined): readonly Record<string, unknown>[] => {
  assert.ok(query)
  const file = t.engine.settings.databaseUrl.slice('sqlite:'.length)
  using database = new DatabaseSync(file, { readOnly: true })
  return database.prepare(query).all()
}

test('its queries tell why a session ended, by the request and by the user', async () => {
  const bob = await signUp(t, 'bob')
  const refresh = () => t.call('POST', 'refresh', { body: { refresh_token: bob.refresh } })
  t.clock.advance(11_000)
  await refresh()
  t.clock.advance(11_000)
  const refused = await refresh()
  assert.equal(refused.body.code, 'refresh_token_reused')

  const [byRequest, byUser] = queries
  // That it is unusual as well is written a moment later.
  const written = ask(byRequest?.text.replace('THE-REQUEST-ID', refused.body.request_id)).filter(
    ({ event }) => event !== 'unusual.refresh-reuse',
  )
  assert.deepEqual(
    written.map(({ event, reason }) => [event, reason]),
    [
      ['refresh-token.reused', null],
      ['session.ended', 'refresh_token_reused'],
    ],
  )
  const latest = ask(byUser?.text).find(({ event }) => event === 'session.ended')
  assert.equal(latest?.event, 'session.ended')
  assert.equal(latest?.reason, 'refresh_token_reused')
  assert.equal(latest?.request_id, refused.body.request_id)
  assert.equal(queries.length, 2)
})

test('a sign-in that failed leaves its exact reason under its request', async () => {
  const refused = await t.call('POST', 'login', {
    body: { username: 'nobody', password: 'not a real password' },
  })
  const [event] = ask(queries[0]?.text.replace('THE-REQUEST-ID', refused.body.request_id))
  assert.deepEqual([event?.event, event?.reason], ['sign-in.failed', 'unknown_user'])
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Caller, startTestApp, type TestApp } from './harness.ts'
import { matrix, parseMatrix, type Row, requests } from './route-matrix.ts'
import { makeOwner, things } from './senders.ts'
import { type Browser, headersOf, openBrowser, sessionIdOf, show } from './sessions/browser.ts'
import { readTables, untilHooksAreDone } from './table-contents.ts'

const { rows } = parseMatrix(matrix)

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

/** The columns of the route matrix that are asked again, with a cookie in place of the access token. */
const columns = { owner: 'user', administrator: 'admin' } as const
type Column = keyof typeof columns

type Headers = Readonly<Record<string, string>>

/** What the cookie comes with; for which routes it is then refused, as a write or at all. */
const ways: Readonly<Record<string, (browser: Browser) => Headers>> = {
  'the CSRF token': browser => headersOf(t, browser),
  'no CSRF token': ({ cookie }) => ({ cookie, origin: t.engine.publicUrl }),
  'a foreign origin': browser => ({ ...headersOf(t, browser), origin: 'https://evil.test' }),
}

const expectedOf = ({ route, expected }: Row, column: Column, way: string): string => {
  const [method, url] = route.split(' ')
  const declared = t.app.routeTable.routes.find(each => each.method === method && each.url === url)
  if (method === 'GET' || way === 'the CSRF token') return expected[column]
  if (way === 'no CSRF token' && declared?.rule.ignoresCookie) return expected[column]
  return '403 csrf_failed'
}

type Cast = { readonly caller: Caller; readonly owner: Caller; readonly browser: Browser }

const makeCast = async (column: Column): Promise<Cast> => {
  const caller = await makeOwner(t, columns[column])
  const owner = column === 'owner' ? caller : await makeOwner(t)
  return { caller, owner, browser: await openBrowser(t, caller.username) }
}

/** Somebody new where the request may take the session with it; else those who are there already. */
const casts = new Map<Column, Cast>()
const findCast = async (row: Row, column: Column, way: string): Promise<Cast> => {
  const spends = requests[row.route]?.spends && expectedOf(row, column, way).startsWith('2')
  const cast = (!spends && casts.get(column)) || (await makeCast(column))
  if (!spends) casts.set(column, cast)
  return cast
}

const ask = async (row: Row, column: Column, way: string): Promise<string> => {
  const { caller, owner, browser } = await findCast(row, column, way)
  const headers = ways[way]?.(browser) ?? {}
  const sender = { ...caller, headers }
  const id =
    row.of === 'this session' ? await sessionIdOf(t, browser) : await things[row.of]?.(t, owner, sender)
  const body = await requests[row.route]?.body?.({ t, owner, sender, of: row.of })
  const [method = '', url = ''] = row.route.split(' ')
  const query = new URLSearchParams(requests[row.route]?.query)
  await untilHooksAreDone(t)
  const before = await readTables(t)
  const answer = await t.call(method, `${url.replace(':id', id ?? '')}?${query}`, {
    headers: { ...headers, ...requests[row.route]?.headers },
    body,
  })
  if (answer.status >= 400) assert.deepEqual(await readTables(t), before, 'refused, and changed something')
  return show(answer)
}

for (const row of rows)
  test(`${row.route}${row.of && ` (${row.of})`} lets a cookie do what a token does, and no other site ride on it`, async () => {
    for (const column of Object.keys(columns) as Column[])
      for (const way of Object.keys(ways))
        assert.equal(await ask(row, column, way), expectedOf(row, column, way), `${column} with ${way}`)
  })

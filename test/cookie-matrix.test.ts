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

type Asked = { readonly column: Column; readonly way: string }

/** What the path names, by whose it is: those who are refused one thing may share it. */
type Ids = Map<string, string | undefined>

const findId = async (row: Row, { caller, owner, browser }: Cast, ids: Ids): Promise<string | undefined> => {
  if (row.of === 'this session') return sessionIdOf(t, browser)
  if (!ids.has(owner.id)) ids.set(owner.id, await things[row.of]?.(t, owner, { ...caller, headers: {} }))
  return ids.get(owner.id)
}

/** Everything that a request needs is there: what is left is to send it. */
const prepare = async (
  row: Row,
  { column, way }: Asked,
  ids: Ids = new Map(),
): Promise<() => Promise<string>> => {
  const cast = await findCast(row, column, way)
  const { caller, owner, browser } = cast
  const headers = ways[way]?.(browser) ?? {}
  const sender = { ...caller, headers }
  const id = await findId(row, cast, ids)
  const body = await requests[row.route]?.body?.({ t, owner, sender, of: row.of })
  const [method = '', url = ''] = row.route.split(' ')
  const query = new URLSearchParams(requests[row.route]?.query)
  return async () =>
    show(
      await t.call(method, `${url.replace(':id', id ?? '')}?${query}`, {
        headers: { ...headers, ...requests[row.route]?.headers },
        body,
      }),
    )
}

/** In turn, all that are to be refused, and none of them may change any row. */
const askRefused = async (row: Row, refused: readonly Asked[]): Promise<void> => {
  const [sends, ids] = [new Map<Asked, () => Promise<string>>(), new Map()]
  for (const asked of refused) sends.set(asked, await prepare(row, asked, ids))
  await untilHooksAreDone(t)
  const before = await readTables(t)
  for (const [{ column, way }, send] of sends)
    assert.equal(await send(), expectedOf(row, column, way), `${column} with ${way}`)
  assert.deepEqual(await readTables(t), before, 'refused, and changed something')
}

const everyAsked: readonly Asked[] = (Object.keys(columns) as Column[]).flatMap(column =>
  Object.keys(ways).map(way => ({ column, way })),
)

for (const row of rows)
  test(`${row.route}${row.of && ` (${row.of})`} lets a cookie do what a token does, and no other site ride on it`, async () => {
    const isLetIn = ({ column, way }: Asked): boolean => expectedOf(row, column, way).startsWith('2')
    for (const asked of everyAsked.filter(isLetIn)) {
      const { column, way } = asked
      assert.equal(await (await prepare(row, asked))(), expectedOf(row, column, way), `${column} with ${way}`)
    }
    const refused = everyAsked.filter(asked => !isLetIn(asked))
    if (refused.length > 0) await askRefused(row, refused)
  })

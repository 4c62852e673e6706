import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Answer, TestApp } from './harness.ts'
import { startMatrixApp } from './issuers/matrix-issuer.ts'
import { matrix, parseMatrix, type Row, requests, words } from './route-matrix.ts'
import { type Cast, makeCast, makeOwner, type SenderName, senderNames, senders, things } from './senders.ts'
import { readTables, untilHooksAreDone } from './table-contents.ts'

const { columns, rows } = parseMatrix(matrix)

let t: TestApp
let cast: Cast
before(async () => {
  t = await startMatrixApp()
  cast = await makeCast(t)
})
after(() => t.close())

const split = (route: string): readonly [method: string, url: string] => {
  const [method = '', url = ''] = route.split(' ')
  return [method, url]
}

const isSuccess = (expected: string): boolean => /^2\d\d$/.test(expected)

/** Somebody new where the request may take the session with it; else the one of the shared cast. */
const takeSender = async ({ route, expected }: Row, name: SenderName) => {
  if (!requests[route]?.spends || !isSuccess(expected[name])) return { ...cast, sender: cast.senders[name] }
  const isOwner = ['owner', 'expired', 'ended'].includes(name)
  const owner = isOwner ? await makeOwner(t) : cast.owner
  return { owner, sender: await senders[name](t, owner) }
}

const show = ({ status, body }: Answer): string =>
  status >= 400 ? `${status} ${body?.code}` : String(status)

/** Whose things they are, and what the path names; several senders may be refused one thing. */
type Subject = Awaited<ReturnType<typeof takeSender>> & { readonly id: string | undefined }

const findSubject = async (row: Row, name: SenderName): Promise<Subject> => {
  const { owner, sender } = await takeSender(row, name)
  return { owner, sender, id: await things[row.of]?.(t, owner, sender) }
}

/** Everything that the request of a row needs is there: what is left is to send it. */
const prepare = async (
  { route, of }: Row,
  { owner, sender, id }: Subject,
  method = split(route)[0],
): Promise<() => Promise<string>> => {
  const query = new URLSearchParams(requests[route]?.query).toString()
  const path = split(route)[1].replace(':id', id ?? ':id') + (query && `?${query}`)
  const body = await requests[route]?.body?.({ t, owner, sender, of })
  const headers = { ...sender.headers, ...requests[route]?.headers }
  return async () => {
    const answer = await t.call(method, path, { headers, body })
    if (method === 'HEAD') assert.equal(answer.text, '', 'an answer to HEAD has no body')
    return method === 'HEAD' ? String(answer.status) : show(answer)
  }
}

/** Asks as all who are to be refused, one after the other: none of them may change any row. */
const askRefused = async (row: Row, names: readonly SenderName[], method?: string) => {
  const sends = new Map<SenderName, () => Promise<string>>()
  let id: string | undefined
  for (const name of names) {
    const isShared = id !== undefined && row.of !== 'this session'
    const subject = isShared ? { ...(await takeSender(row, name)), id } : await findSubject(row, name)
    id = subject.id
    sends.set(name, await prepare(row, subject, method))
  }
  await untilHooksAreDone(t)
  const before = await readTables(t)
  const answers: Record<string, string> = {}
  for (const [name, send] of sends) answers[name] = await send()
  return { answers, before, after: await readTables(t) }
}

const askAll = async (row: Row, expected: Readonly<Record<string, string>>, method?: string) => {
  const isLetIn = (name: SenderName): boolean => isSuccess(row.expected[name])
  const letIn: Record<string, string> = {}
  for (const name of senderNames.filter(isLetIn))
    letIn[name] = await (await prepare(row, await findSubject(row, name), method))()
  const refused = await askRefused(
    row,
    senderNames.filter(name => !isLetIn(name)),
    method,
  )
  assert.deepEqual({ ...letIn, ...refused.answers }, expected)
  assert.deepEqual(refused.after, refused.before, 'whoever is refused changes nothing')
}

const titleOf = ({ route, of, expected }: Row): string => {
  const letIn = senderNames.filter(name => isSuccess(expected[name]))
  return `${route}${of && ` (${of})`} lets in ${letIn.join(', ') || 'nobody'}`
}

for (const row of rows) {
  test(titleOf(row), async () => {
    await askAll(row, row.expected)
  })
  if (row.route.startsWith('GET '))
    test(`HEAD answers as ${row.route}${row.of && ` (${row.of})`} does, without a body`, async () => {
      const statuses = Object.entries(row.expected).map(([name, text]) => [name, text.slice(0, 3)])
      await askAll(row, Object.fromEntries(statuses), 'HEAD')
    })
}

test('every route has a line in the matrix, and every line a route', () => {
  const known = t.app.routeTable.routes.map(({ method, url }) => `${method} ${url}`)
  const lines = rows.flatMap(({ route }) => [
    route,
    ...(route.startsWith('GET ') ? [`HEAD ${route.slice(4)}`] : []),
  ])
  const missing = known.filter(route => !lines.includes(route))
  assert.deepEqual(missing, [], `write a line in test/route-matrix.ts for: ${missing.join(', ')}`)
  const surplus = [...new Set(lines)].filter(route => !known.includes(route))
  assert.deepEqual(surplus, [], `there is no such route, take out its line: ${surplus.join(', ')}`)
})

test('every line is whole: all columns, known words, one line for each case, a known case', () => {
  assert.deepEqual(columns, senderNames)
  const names = rows.map(({ route, of }) => `${route} ${of}`)
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
  for (const row of rows)
    for (const name of senderNames)
      assert.match(row.expected[name], /^(2\d\d|[45]\d\d [a-z_]+)$/, `${row.route} ${row.of}: ${name}`)
  const withoutThing = rows.filter(({ route, of }) => route.includes(':id') && things[of] === undefined)
  assert.deepEqual(
    withoutThing.map(({ of }) => of),
    [],
    'things in test/senders.ts has no such thing',
  )
})

/** What the gate serves to keys and to tokens of other issuers; the application names its own. */
const openToOthers = [
  'GET /metrics',
  'GET /api/v1/revocations',
  'GET /api/v1/protected',
  'GET /api/v1/admin/settings',
  'GET /api/v1/admin/health',
  'GET /api/v1/admin/statistics',
  'GET /api/v1/admin/audit',
  'GET /api/v1/admin/audit/events',
  'GET /api/v1/admin/audit/:id',
]
const isOfTheBlog = ({ route }: Row): boolean => /\/api\/v\d\/(users|posts|todos)\b/.test(route)

test('no key, service or token of another issuer comes to the account, sessions, factors, keys or administration, whatever it may', () => {
  const others = ['API key', 'service', 'foreign', 'linked'] as const
  const letIn = rows.filter(row => !isOfTheBlog(row) && others.some(name => isSuccess(row.expected[name])))
  assert.deepEqual(
    letIn.map(({ route }) => route).filter(route => !openToOthers.includes(route)),
    [],
  )
})

test('a private thing, an unknown id and a malformed one stand in the matrix for every route with an :id', () => {
  const withId = new Set(rows.map(({ route }) => route).filter(route => route.includes(':id')))
  for (const route of withId) {
    const cases = rows.filter(row => row.route === route).map(({ of }) => of)
    for (const needed of ['unknown id', 'malformed id'])
      assert.ok(cases.includes(needed), `${route}: ${needed}`)
    assert.ok(cases.length > 2, `${route}: a thing that is there`)
  }
})

/** Whether a path is one of the route: `/sessions/current` is also an address of `/sessions/:id`. */
const isPathOf = (path: string, url: string): boolean => {
  const [parts, pattern] = [path.split('/'), url.split('/')]
  return parts.length === pattern.length && pattern.every((part, n) => part === parts[n] || part === ':id')
}

test('a known path answers every other method with 405 and the methods it takes', async () => {
  const { routes } = t.app.routeTable
  for (const url of new Set(routes.map(route => route.url))) {
    const taken = routes.filter(route => isPathOf(url, route.url)).map(({ method }) => method)
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'].filter(
      m => !taken.includes(m),
    )) {
      const answer = await t.call(method, url.replace(':id', 'AAAAAAAAAAAAAAAAAAAAAA'))
      assert.equal(show(answer), '405 method_not_allowed', `${method} ${url}`)
      for (const allowed of taken) assert.match(String(answer.headers.allow), new RegExp(`\\b${allowed}\\b`))
    }
  }
})

test('docs/route-matrix.md has the matrix (UPDATE_DOCS=1 writes it)', () => {
  const page = new URL('../docs/route-matrix.md', import.meta.url)
  const text = readFileSync(page, 'utf8')
  const legend = Object.entries(words).map(([word, meaning]) => `| \`${word}\` | ${meaning} |`)
  const content = ['| word | answer |', '|---|---|', ...legend, '', matrix.trim()].join('\n')
  const updated = text.replace(
    /(<!-- matrix -->\n\n)[\s\S]*(?=\n\n<!-- end of matrix -->)/,
    (_, start) => start + content,
  )
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, updated)
  else assert.equal(text, updated, 'run UPDATE_DOCS=1 node --test test/route-matrix.test.ts')
  assert.ok(updated.includes(content), 'the marks around the matrix are gone')
})

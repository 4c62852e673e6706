import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { postSorts } from '../../apps/blog/src/posts/list-posts-behind.ts'
import { todoSorts } from '../../apps/blog/src/todos/list-todos-behind.ts'
import { feedStart, readFeed } from '../../packages/gatewright/src/revocation/feed.ts'
import { searchDepth } from '../../packages/gatewright/src/users/list-users-behind.ts'
import { testsDatabase } from '../environment.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import {
  type AdministeredList,
  administeredLists,
  idOfUser,
  ofOneUser,
  pagesOf,
} from './administered-lists.ts'
import { addManyUsers, idOf } from './many-users.ts'
import { type Query, readPlan } from './query-plans.ts'

const isPostgres = testsDatabase.kind === 'postgres'

const rows = async (sql: string) =>
  database.rows(sql).map(row => row as { readonly key: number | string; readonly id: string })

let t: TestApp
let alice: Caller
let database: SecondConnection
const queries: Query[] = []

const many = 20_000
let stranger = ''

/** Rows of each table: what is made of a number, for a user of many or for Alice. */
const tables = {
  posts: {
    count: 100_000,
    columns: 'id, author_id, title, published, created_at, updated_at, content',
    values: `${idOf('post', 'i')}, owner, 'Title ' || i, i % 2, i, i, 'Content'`,
  },
  todos: {
    count: 100_000,
    columns: 'id, owner_id, title, done, created_at, updated_at, due_at',
    values: `${idOf('todo', 'i')}, owner, 'Title ' || i, i % 2, i, i, case when i % 3 > 0 then i end`,
  },
  cut_offs: {
    count: many,
    columns: `kind, subject, matters_until, created_at${isPostgres ? ', transaction_id' : ''}`,
    // Of many transactions, all of them over before this server took its first connection.
    values: `'session', 'session-' || i, i, i${isPostgres ? ', cast(cast(3 + i % 500 as text) as xid8)' : ''}`,
  },
  idempotency_keys: {
    count: many,
    columns: 'principal_kind, principal_id, route, key, request_hash, answer, created_at',
    values: "'user', owner, 'POST /api/v2/posts', 'key-' || i, '', '{}', 1795262400000 + i",
  },
} as const

/** One in five rows is Alice's. */
const fill = async (table: keyof typeof tables): Promise<void> => {
  const { count, columns, values } = tables[table]
  const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})`
  const owned = `select i, case when i % 5 = 0 then '${alice.id}' else ${idOf('user', '1 + i % 100')} end as owner from n`
  await database.run(`${numbers} insert into ${table} (${columns}) select ${values} from (${owned}) as owned`)
}

before(async () => {
  t = await startTestApp()
  alice = await signUp(t, 'alice')
  database = openSecondConnection(t.engine)
  await addManyUsers(database.run, { count: many, now: t.clock.now() })
  stranger = await idOfUser(rows, 2)
  for (const table of Object.keys(tables)) await fill(table as keyof typeof tables)
  if (isPostgres) await database.run('analyze')
  const { db } = t.engine
  const logged = db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      queries.push(db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  })
  Object.assign(t.engine, { db: logged })
})
after(async () => {
  database.close()
  await t.close()
})

/** What `act` asks of the database; counting reads what it counts, and no plan could change that. */
const queriesOf = async (act: () => Promise<unknown>, { counts = false } = {}): Promise<readonly Query[]> => {
  queries.length = 0
  await act()
  const asked = queries.filter(
    ({ sql }) => /^\s*(select|with|delete|update)/.test(sql) && (counts || !sql.includes('count(*)')),
  )
  assert.ok(asked.length > 0)
  return asked
}

const assertPlans = (asked: readonly Query[], { mostSorted = 0 } = {}): void => {
  for (const query of asked) {
    const { steps, scans, sorted } = readPlan(database, query)
    const plan = [query.sql, ...steps].join('\n  ')
    // A table of one row has no use for its index.
    assert.deepEqual(
      scans.filter(table => table !== 'installation'),
      [],
      plan,
    )
    assert.ok(sorted <= mostSorted, plan)
  }
}

const readPage = async (path: string, token?: string): Promise<Answer['body']> => {
  const { status, body, text } = await t.call('GET', path, { token })
  assert.equal(status, 200, text)
  return body
}

/** Asks for a list, and for the page behind its first. */
const readTwoPages = async (path: string, token?: string): Promise<void> => {
  const { next_cursor: cursor } = await readPage(path, token)
  if (cursor === null) return
  const next = cursor === undefined ? `${path}&page=3` : `${path}&cursor=${cursor}`
  await readPage(next, token)
}

const readers = ['nobody', 'Alice'] as const
for (const reader of readers)
  for (const path of [
    '/api/v1/posts?',
    '/api/v1/posts?user_id=',
    '/api/v1/posts?user_id=stranger',
    ...Object.keys(postSorts).flatMap(sort => [
      `/api/v2/posts?sort=${sort}`,
      `/api/v2/posts?sort=${sort}&author=`,
      `/api/v2/posts?sort=${sort}&author=stranger`,
      `/api/v2/posts?sort=${sort}&limit=1&q=Title`,
    ]),
  ])
    test(`among 100,000 rows an index has the page of ${path} for ${reader}`, async () => {
      const own = path.endsWith('=') ? path + alice.id : path.replace('stranger', stranger)
      const token = reader === 'Alice' ? alice.access : undefined
      assertPlans(await queriesOf(() => readTwoPages(own, token)))
    })

for (const path of [
  '/api/v1/users?',
  '/api/v1/todos?',
  ...Object.keys(todoSorts).map(sort => `/api/v2/todos?sort=${sort}`),
])
  test(`among 100,000 rows an index has the page of ${path}`, async () => {
    assertPlans(await queriesOf(() => readTwoPages(path, alice.access)))
  })

test('the index of users by age counts them as well, and leaves out services', async () => {
  const asked = await queriesOf(() => readPage('/api/v1/users?', alice.access), { counts: true })
  const [count] = asked.filter(({ sql }) => sql.includes('count(*)'))
  assert.ok(count)
  const plan = readPlan(database, count).steps.join('\n')
  // PostgreSQL reads the table itself until that was vacuumed.
  assert.match(plan, isPostgres ? /users/ : /users_listed_by_age/)
})

let chief: Promise<Caller> | undefined
const administrator = async (): Promise<string> => {
  chief ??= signUp(t, 'chief', ['admin'])
  return (await chief).access
}

/** Each page of a list, wherever it lies. PostgreSQL may sort what is no more than a page reads anyhow. */
const assertIndexed = async (list: AdministeredList, { mostSorted = searchDepth } = {}): Promise<void> => {
  const index = new RegExp(list.index)
  const token = await administrator()
  for (const [page, path] of Object.entries(await pagesOf(list, rows))) {
    const asked = await queriesOf(() => readPage(path, token))
    assertPlans(asked, { mostSorted })
    const plans = asked.map(query => readPlan(database, query).steps.join('\n')).join('\n')
    assert.match(plans, index, page)
    // Behind a place the index is entered there, and not where a search begins.
    if (page !== 'first') assert.match(plans, /\(\w+,\w+\)[<>]\(|ROW\(|user_id[<>]|>= '[\w-]{7,}'/, page)
  }
}

/** The audit log has plans of its own (test/audit/plans.test.ts); a page of the access review is a part of a whole that is read in bounded lists. */
const elsewhere = ['/api/v1/admin/access-review', '/api/v1/admin/audit']

test('every list of administrators that has a cursor is among these', () => {
  const withCursor = t.app.routeTable.routes.filter(
    ({ method, url, schema }) =>
      method === 'GET' &&
      url.includes('/admin/') &&
      JSON.stringify(schema?.querystring ?? null).includes('"cursor"'),
  )
  const listed = new Set([...administeredLists.map(({ name: [list] }) => `/api/v1/${list}`), ...elsewhere])
  assert.deepEqual([...new Set(withCursor.map(({ url }) => url))].sort(), [...listed].sort())
})

for (const list of administeredLists)
  test(`among ${many} of each an index has the first, a middle and the last page of ${list.path}`, () =>
    assertIndexed(list))

test('what one of many users has is found by an index, and that alone is sorted', async () => {
  for (const list of ofOneUser(stranger)) await assertIndexed(list, { mostSorted: Number.POSITIVE_INFINITY })
})

test('an index counts the holders of all roles, asked once and no further than 1,000 of each', async () => {
  const token = await administrator()
  const asked = await queriesOf(() => t.call('GET', 'admin/roles', { token }), { counts: true })
  const counting = asked.filter(({ sql }) => sql.includes('user_roles') && sql.includes('count(*)'))
  assert.equal(counting.length, 1)
  const [query] = counting as [Query]
  assert.match(readPlan(database, query).steps.join('\n'), /users_of_role/)
  const { body } = await t.call('GET', 'admin/roles/user', { token })
  assert.equal(body.holders, 1_000)
})

test('an index has the own sessions, which alone are sorted', async () => {
  const list = () => t.call('GET', 'sessions', { token: alice.access })
  assertPlans(await queriesOf(list), { mostSorted: Number.POSITIVE_INFINITY })
})

test('an index has what is new in the feed, which alone is sorted', async () => {
  const { db, clock } = t.engine
  const { next } = await readFeed(db, feedStart, clock.now())
  const asked = await queriesOf(() => readFeed(db, next, clock.now()))
  assertPlans(asked, { mostSorted: Number.POSITIVE_INFINITY })
  if (!isPostgres) return
  // By the index of times each read would go through all that live.
  for (const query of asked)
    assert.match(readPlan(database, query).steps.join('\n'), /cut_offs_by_transaction/)
})

test('an index has an idempotency key, and those whose time has passed', async () => {
  t.clock.advance(24 * 3_600_000 + 100)
  const { body } = await t.call('POST', 'login', {
    body: { username: 'alice', password: 'correct horse battery staple' },
  })
  const write = () =>
    t.call('POST', '/api/v2/posts', {
      token: body.access_token,
      headers: { 'idempotency-key': 'a-key' },
      body: { title: 'Once', content: '' },
    })
  const asked = await queriesOf(async () => {
    for (let n = 0; n < 2; n++) assert.equal((await write()).status, 201)
  })
  assertPlans(asked)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { postSorts } from '../../apps/blog/src/posts/list-posts-behind.ts'
import { todoSorts } from '../../apps/blog/src/todos/list-todos-behind.ts'
import { feedStart, readFeed } from '../../packages/gatewright/src/revocation/feed.ts'
import { testsDatabase } from '../environment.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'
import { type Query, readPlan } from './query-plans.ts'

const isPostgres = testsDatabase.kind === 'postgres'

let t: TestApp
let alice: Caller
let database: SecondConnection
const queries: Query[] = []

/** An id has 22 characters. */
const big = '10000000000000000'
const stranger = 'user-10000000000000002'

/** Rows of each table: what is made of a number, for a user of many or for Alice. */
const tables = {
  users: {
    count: 20_000,
    columns: 'id, username, username_key, version, created_at',
    values: "'user-' || (big + i), 'user-' || i, 'user-' || i, 1, i",
  },
  user_roles: { count: 20_000, columns: 'user_id, role', values: "'user-' || (big + i), 'user'" },
  posts: {
    count: 100_000,
    columns: 'id, author_id, title, published, created_at, updated_at, content',
    values: "'post-' || (big + i), owner, 'Title ' || i, i % 2, i, i, 'Content'",
  },
  todos: {
    count: 100_000,
    columns: 'id, owner_id, title, done, created_at, updated_at, due_at',
    values: "'todo-' || (big + i), owner, 'Title ' || i, i % 2, i, i, case when i % 3 > 0 then i end",
  },
  sessions: {
    count: 20_000,
    columns: `id, user_id, user_version, generation, generation_since, refresh_key, amr, auth_time, device,
      address, created_at, last_used_at, expires_at, token_expires_at`,
    values: "'session-' || i, owner, 1, 1, i, '', 'pwd', i, '', '', i, i, i, i",
  },
  cut_offs: {
    count: 20_000,
    columns: `kind, subject, matters_until, created_at${isPostgres ? ', transaction_id' : ''}`,
    // Of many transactions, all of them over before this server took its first connection.
    values: `'session', 'session-' || i, i, i${isPostgres ? ', cast(cast(3 + i % 500 as text) as xid8)' : ''}`,
  },
  idempotency_keys: {
    count: 20_000,
    columns: 'principal_kind, principal_id, route, key, request_hash, answer, created_at',
    values: "'user', owner, 'POST /api/v2/posts', 'key-' || i, '', '{}', 1795262400000 + i",
  },
} as const

/** One in five rows is Alice's. */
const fill = async (table: keyof typeof tables): Promise<void> => {
  const { count, columns, values } = tables[table]
  const numbers = `with recursive n(i, big) as (select 1, ${big} union all select i + 1, big from n where i < ${count})`
  const owned = `select i, case when i % 5 = 0 then '${alice.id}' else 'user-' || (big + 1 + i % 100) end as owner, big from n`
  await database.run(`${numbers} insert into ${table} (${columns}) select ${values} from (${owned}) as owned`)
}

before(async () => {
  t = await startTestApp()
  alice = await signUp(t, 'alice')
  database = openSecondConnection(t.engine)
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
const queriesOf = async (act: () => Promise<unknown>): Promise<readonly Query[]> => {
  queries.length = 0
  await act()
  const asked = queries.filter(
    ({ sql }) => /^\s*(select|with|delete|update)/.test(sql) && !sql.includes('count(*)'),
  )
  assert.ok(asked.length > 0)
  return asked
}

const assertPlans = (asked: readonly Query[], { maySort = false } = {}): void => {
  for (const query of asked) {
    const { steps, scans, sortsAll } = readPlan(database, query)
    const plan = [query.sql, ...steps].join('\n  ')
    // A table of one row has no use for its index.
    assert.deepEqual(
      scans.filter(table => table !== 'installation'),
      [],
      plan,
    )
    assert.ok(maySort || !sortsAll, plan)
  }
}

/** Asks for a list, and for the page behind its first. */
const readTwoPages = async (path: string, token?: string): Promise<void> => {
  const first = await t.call('GET', path, { token })
  assert.equal(first.status, 200, first.text)
  const { next_cursor: cursor } = first.body
  if (cursor === null) return
  const next = cursor === undefined ? `${path}&page=3` : `${path}&cursor=${cursor}`
  assert.equal((await t.call('GET', next, { token })).status, 200)
}

const readers = ['nobody', 'Alice'] as const
for (const reader of readers)
  for (const path of [
    '/api/v1/posts?',
    '/api/v1/posts?user_id=',
    `/api/v1/posts?user_id=${stranger}`,
    ...Object.keys(postSorts).flatMap(sort => [
      `/api/v2/posts?sort=${sort}`,
      `/api/v2/posts?sort=${sort}&author=`,
      `/api/v2/posts?sort=${sort}&author=${stranger}`,
      `/api/v2/posts?sort=${sort}&limit=1&q=Title`,
    ]),
  ])
    test(`among 100,000 rows an index has the page of ${path} for ${reader}`, async () => {
      const own = path.endsWith('=') ? path + alice.id : path
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

const indexes = {
  'limit=20': 'users_by_name',
  'limit=20&q=user-1': 'users_by_name',
  'limit=20&q=user@': 'users_by_address',
  'limit=20&q=user-1&role=user': 'users_by_name',
  'limit=20&role=moderator': 'users_of_role',
  'limit=20&state=disabled': 'users_disabled',
  'limit=20&state=enabled': 'users_by_name',
}
for (const [search, index] of Object.entries(indexes))
  test(`among 20,000 users ${index} has the page of ${search}`, async () => {
    const { access } = await signUp(t, `chief-${Object.keys(indexes).indexOf(search)}`, ['admin'])
    const asked = await queriesOf(() => readTwoPages(`admin/users?${search}`, access))
    assertPlans(asked)
    const [list] = asked.filter(({ sql }) => sql.includes("users.kind = 'user'"))
    assert.ok(list)
    assert.match(readPlan(database, list).steps.join('\n'), new RegExp(index))
  })

test('an index has the own sessions, which alone are sorted', async () => {
  const list = () => t.call('GET', 'sessions', { token: alice.access })
  assertPlans(await queriesOf(list), { maySort: true })
})

test('an index has what is new in the feed, which alone is sorted', async () => {
  const { db, clock } = t.engine
  const { next } = await readFeed(db, feedStart, clock.now())
  const asked = await queriesOf(() => readFeed(db, next, clock.now()))
  assertPlans(asked, { maySort: true })
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

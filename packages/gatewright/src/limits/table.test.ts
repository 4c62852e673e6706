import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { hour, second } from '../ground/clock.ts'
import { type LimitBy, type LimitName, type LimitRow, limits, policyName, windowNames } from './table.ts'

const names = Object.keys(limits) as LimitName[]
const all = names.flatMap(name => limits[name].map((row: LimitRow) => ({ name, row })))

test('no two rows share a policy name, and each name can stand in a header as it is', () => {
  const policies = all.map(({ name, row }) => policyName(name, row))
  assert.equal(new Set(policies).size, policies.length)
  for (const policy of policies) assert.match(policy, /^[a-z]+(-[a-z]+)*$/)
})

test('every window has a name and is whole seconds', () => {
  for (const { row } of all) {
    assert.ok(windowNames.has(row.window))
    assert.equal(row.window % second, 0)
  }
})

test('every count is a whole number above 0', () => {
  for (const { row } of all) assert.ok(Number.isSafeInteger(row.count) && row.count > 0)
})

test('only "unlimited" has no row', () => {
  assert.deepEqual(
    names.filter(name => limits[name].length === 0),
    ['unlimited'],
  )
})

test('a stolen access token guesses no more passwords a minute than a stranger', () => {
  const [stranger] = limits['sign-in']
  const [thief] = limits['confirm-password']
  assert.deepEqual([thief.count, thief.window], [stranger.count, stranger.window])
})

test('docs/limits.md is the table as the code has it (UPDATE_DOCS=1 rewrites it)', () => {
  const file = new URL('../../../../docs/limits.md', import.meta.url)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, toDocument())
  assert.equal(readFileSync(file, 'utf8'), toDocument())
})

const byWords = {
  address: 'address',
  anonymous: 'address without a credential',
  user: 'user',
  session: 'session',
  device: 'known device',
  'address+username': 'address and username',
  recipient: 'recipient',
  'api-key': 'API key',
  'key-owner': 'owner of API keys',
} as const satisfies Record<LimitBy, string>

const number = (count: number): string => count.toLocaleString('en')

const perWindow = ({ window }: LimitRow, count: number): string =>
  `${number(count)} ${window === hour ? 'an' : 'a'} ${windowNames.get(window)}`

/** What a row says in numbers, in the order of the columns. */
const toCells = (row: LimitRow): readonly string[] => {
  const { count, burst = count } = row
  const away = row.kind === 'exact' ? `${perWindow(row, row.away)}, then 503` : 'each process by itself'
  return [perWindow(row, count), number(burst), number(count + burst), row.kind, away]
}

const toLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const toLines = (name: LimitName): readonly string[] => {
  const rows: readonly LimitRow[] = limits[name]
  if (rows.length === 0)
    return [toLine([`\`${name}\``, '', 'none', '', '', '', '', 'For health checks; a route must say so.'])]
  return rows.map(row => toLine([`\`${name}\``, byWords[row.by], ...toCells(row), row.describe]))
}

const columns = [
  'limit',
  'counted for each',
  'in the long run',
  'at once',
  'most in any window',
  'kind',
  'while the store is away',
  'why',
]

const toDocument = (): string => `# Limits

<!-- Written by \`UPDATE_DOCS=1 node --test packages/gatewright/src/limits/table.test.ts\`; do not edit. -->

${toLine(columns)}
|${columns.map(() => '---|').join('')}
${names.flatMap(toLines).join('\n')}

Every route names one of these; a list that is searched takes from \`search\` as well. A request must pass all
rows of its limit that apply to it; one that is refused gets 429 with \`Retry-After\`. What
comes with an API key counts for the key and for all keys of its owner, and uses up nothing of the owner's own.

- **What a refused request is charged.** Rows are looked at as soon as it is known whom they count: the address
  first, before anything else of the request is judged; then user and session; the name that the body holds once
  that has arrived. Rows that are looked at together are charged together or not at all, and what an earlier
  look has charged stays charged. So whoever goes on at a name that is refused uses up the address as well, and is
  then refused before the body is read, mostly by memory. Given back, each such request would cost the store two
  writes, without end. A browser that shows a device's cookie is looked at once, address and name together, after
  the look-up, which \`cookie\` counts.
- **A limit that counts nobody stops the start**: on a route that is open to strangers one without a row by
  address, on a route for users or clients one without a row by address, user or session, on a route for API keys
  one without a row by address, API key or owner of API keys. \`unlimited\` must be written out.
- **Made-up credentials** (\`refused-credential\`) are limited where the gate judges one, and at \`POST /refresh\`.
  \`POST /logout\` judges them within its own limit of the address, and those that it refuses are not counted:
  what strangers have shown keeps nobody behind the same address from signing out.
- **What a row promises.** "5 a minute" is five at once, then one every 12 seconds, and after a minute of
  rest five at once again. In any stretch of time *t* at most burst + *t* × count ÷ window requests pass
  (GCRA, exact to a microsecond).
- **Addresses.** An IPv6 address counts as its /64, which is what one customer is given at least, and besides
  as its /48 at ten times the row; an IPv4 address counts alone. The answer tells the /64's row, and the
  /48's (its name ends in \`-network\`) where that refuses or has less left.
- **Two limits never share a counter**, not even \`refresh\` and \`logout\` with the same numbers.
- **Memory is bounded.** A row holds at most 100,000 keys. When all of them are in use, a new key does
  not push one out but shares one of 1,024 further counters, picked by a keyed hash: a flood of addresses
  frees nobody and gets nobody more than the limit. During such a flood, and a window longer, newcomers
  may be refused for what others did.
- **Exact rows** are counted by all processes together, before the work, and hold to the request: in Valkey
  where \`VALKEY_URL\` is set, else in the table \`limit_counters\`. A key stands there as a hash under
  \`GATEWRIGHT_SECRET\`, so nobody reads a name or an address. That a counter refuses is believed for a
  second without asking: a flood over a limit costs one question a second. A Valkey server must not push keys
  out when it is full (\`maxmemory-policy noeviction\`): what it forgets is allowed again.
- **While the store is away** each process lets the stated number of an exact row through at once and as many
  in each window, by its own memory, and answers the rest with 503 and \`Retry-After\`: they did nothing
  wrong. Once a process has noticed, no request waits for the store; one attempt at a time is made to have it
  back. Requests that are with it when it falls silent wait: a second for Valkey, and for the database as long as
  for any query, on PostgreSQL up to 5 seconds for a connection and 16 for an answer.
- **Fast rows** are counted in each process and never make a request wait. Where several processes are on
  one database, they add up once a second what busy callers got of each. So with *n* processes a caller may get
  the burst of a row *n* times at once, and then no more than the row says for all of them together, an eighth
  more at most; for what reaches them before they hear of each other a few seconds' worth comes on top. Nobody
  under the limit is refused by it. While the store is away each counts alone.
- **A clock that was wrong and was set right keeps nobody out.** A counter that is further ahead of now than
  its row lets it be, and ten seconds more for clocks that differ, counts as none, and is overwritten with the
  next request. So a row that gets a shorter window begins anew for whoever had used more than the new one
  holds; another number in the same window forgets nobody.
- **Numbers of your own.** \`LIMITS_OVERRIDE=read-user=2400, registration-address-hour=100/2h\` gives single rows
  other numbers, by the names that \`RateLimit-Policy\` shows: how many, and if need be in which time. The name
  stays. A name that is none stops the start. What makes guessing easier is told at the start where others can
  reach the server. A route may bring a limit of its own:
  \`limit: { name: 'reports', rows: [{ by: 'user', count: 10, window: hour, kind: 'fast', describe: '…' }] }\`;
  routes with the same limit share its counters.
- **\`LIMITS_SCALE\`** multiplies every count (rounded, at least 1), but not the five attempts at the second half
  of one sign-in, which is no row here.
- Answers carry \`RateLimit-Policy\` and \`RateLimit\` (draft-ietf-httpapi-ratelimit-headers-10): \`q\`
  requests in \`w\` seconds, \`r\` left, one more in \`t\` seconds.
`

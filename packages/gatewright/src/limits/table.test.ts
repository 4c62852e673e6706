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
} as const satisfies Record<LimitBy, string>

const toRequests = ({ count, window }: LimitRow): string =>
  `${count.toLocaleString('en')} ${window === hour ? 'an' : 'a'} ${windowNames.get(window)}`

const toLines = (name: LimitName): readonly string[] => {
  const rows: readonly LimitRow[] = limits[name]
  if (rows.length === 0) return [`| \`${name}\` | | none | For health checks; a route must say so. |`]
  return rows.map(row => `| \`${name}\` | ${byWords[row.by]} | ${toRequests(row)} | ${row.describe} |`)
}

const toDocument = (): string => `# Limits

<!-- Written by \`UPDATE_DOCS=1 node --test packages/gatewright/src/limits/table.test.ts\`; do not edit. -->

| limit | counted for each | requests | why |
|---|---|---|---|
${names.flatMap(toLines).join('\n')}

Every route names one of these; a list that is searched takes from \`search\` as well. A request must pass all rows of its limit that apply to it; one that is
refused gets 429 with \`Retry-After\` and costs nothing.

- **What a row promises.** "5 a minute" is five at once, then one every 12 seconds, and after a minute of
  rest five at once again. In any stretch of time *t* at most count + *t* × count ÷ window requests pass
  (GCRA with a burst of the whole count).
- **Addresses.** An IPv6 address counts as its /64, which is what one customer is given; an IPv4 address
  counts alone.
- **Two limits never share a counter**, not even \`refresh\` and \`logout\` with the same numbers.
- **Memory is bounded.** A row holds at most 100,000 keys. When all of them are in use, a new key does
  not push one out but shares one of 1,024 further counters, picked by a keyed hash: a flood of addresses
  frees nobody and gets nobody more than the limit. During such a flood, and a window longer, newcomers
  may be refused for what others did.
- **Each process counts by itself** in this version: with \`WORKERS\`, or several machines, a caller that
  reaches all of them may get as many times through as there are processes.
- **\`LIMITS_SCALE\`** multiplies every count (rounded, at least 1).
- Answers carry \`RateLimit-Policy\` and \`RateLimit\` (draft-ietf-httpapi-ratelimit-headers-10): \`q\`
  requests in \`w\` seconds, \`r\` left, one more in \`t\` seconds.
`

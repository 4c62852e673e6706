import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findUnconfined } from './confined.ts'
import { readSources } from './sources.ts'

const engine = 'packages/gatewright/src'
const anywhere = `${engine}/users/user.ts`

const find = (path: string, text: string): readonly string[] => findUnconfined(new Map([[path, text]]))

test('what may stand in few files stands in no other file of this repository', () => {
  assert.deepEqual(findUnconfined(readSources()), [])
})

/** What is refused, and where it is allowed, if anywhere. */
const inSource: readonly (readonly [text: string, allowed?: string])[] = [
  ['const now = Date.now()', `${engine}/ground/clock.ts`],
  ['const now = new Date()', `${engine}/ground/clock.ts`],
  ['const now = performance.now()', `${engine}/ground/clock.ts`],
  ['const start = process.hrtime.bigint()', `${engine}/ground/clock.ts`],
  ['const bytes = randomBytes(32)', `${engine}/ground/random.ts`],
  ['const id = crypto.randomUUID()', `${engine}/ground/random.ts`],
  ['crypto.getRandomValues(bytes)', `${engine}/ground/random.ts`],
  ['const jitter = Math.random()', `${engine}/ground/random.ts`],
  ['const port = process.env.PORT', `${engine}/ground/load-settings.ts`],
  ['const { env } = process', `${engine}/ground/load-settings.ts`],
  ["import { env } from 'node:process'", `${engine}/ground/load-settings.ts`],
  ["import { jwtVerify } from 'jose'", `${engine}/tokens/verify-token.ts`],
  ["import type { JWK } from 'jose'", `${engine}/keys/key-ring.ts`],
  ["const { hash } = await import('@node-rs/argon2')", `${engine}/users/password.ts`],
  ["import { createHash } from 'node:crypto'", `${engine}/ground/encoding.ts`],
  ["import { hash } from 'crypto'", `${engine}/tokens/session-secret.ts`],
  ["await crypto.subtle.digest('SHA-256', bytes)"],
  ["import { execFile } from 'node:child_process'"],
  ["import cluster from 'node:cluster'", `${engine}/workers/worker-process.ts`],
  ["import vm from 'node:vm'"],
  ['eval(text)'],
  ['const run = new Function(text)'],
  ['element.innerHTML = text'],
  ['document.write(text)'],
  ['const require = createRequire(import.meta.url)'],
  ['await sql.raw(text).execute(db)'],
]

for (const [text, allowed] of inSource) {
  test(`refused in source${allowed ? ` except in ${allowed}` : ''}: ${text}`, () => {
    const faults = find(`${engine}/http/a.ts`, `\n${text}`)
    assert.equal(faults.length, 1)
    assert.match(faults[0] ?? '', /^packages\/gatewright\/src\/http\/a\.ts:2: .+ Write instead: /)
    assert.equal(find('apps/blog/src/main.ts', text).length, 1, 'apps are held to it')
    assert.deepEqual(find(`${engine}/http/a.test.ts`, text), [], 'tests are free of it')
    if (allowed) assert.deepEqual(find(allowed, text), [])
  })
}

const everywhere = [
  'const a = b as any',
  'let a: any',
  'let a: Map<string, any>',
  'let a: any[]',
  '// @ts-ignore',
  '// biome-ignore lint/suspicious/noExplicitAny: later',
]

for (const text of everywhere) {
  test(`refused everywhere: ${text}`, () => {
    for (const path of [anywhere, `${engine}/users/user.test.ts`, 'tools/a.ts', 'bench/a.ts'])
      assert.equal(find(path, text).length, 1, path)
  })
}

const inTests = [
  "test.only('a', run)",
  "test('a', { only: true }, run)",
  "test.skip('a', run)",
  "describe.todo('a')",
  "test('a', { skip: true }, run)",
  "test('a', { skip: !database }, run)",
  "test('a', t => t.skip())",
]

for (const text of inTests) {
  test(`refused in a test: ${text}`, () => {
    assert.equal(find('test/a.test.ts', text).length, 1)
  })
}

test('a test that says why it is skipped is allowed', () => {
  assert.deepEqual(
    find('test/a.test.ts', "test('a', { skip: missing && 'needs PostgreSQL: apt-get …' }, run)"),
    [],
  )
  assert.deepEqual(find('test/a.test.ts', "test('a', t => t.skip('needs PostgreSQL'))"), [])
})

test('words in comments and texts are not code', () => {
  const texts = [
    '// Date.now() is read in one file',
    "const text = 'any: as any, eval(…), Math.random()'",
    'const text = `sql.raw(text) process.env`',
    'const pattern = /Math.random()/',
  ]
  for (const text of texts) assert.deepEqual(find(anywhere, text), [])
})

test('code inside a template is code', () => {
  assert.equal(find(anywhere, `const text = \`at \${Date.now()}\``).length, 1)
})

test('a date made from a number, and a name that only holds such a word, are allowed', () => {
  const texts = [
    'new Date(milliseconds)',
    'const company = many',
    'updateDate.nowhere()',
    'const a = { any: 1 }',
  ]
  for (const text of texts) assert.deepEqual(find(anywhere, text), [])
})

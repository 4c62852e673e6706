import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type SqlBool,
  sql,
} from 'kysely'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { createSeeded } from '../../../../test/sessions/seeded.ts'
import { contains } from './contains.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const isFound = async (text: string, part: string): Promise<boolean> => {
  const { db } = t.engine
  const found = contains(db, sql<string>`${text}`, part)
  const { rows } = await sql<{ found: SqlBool }>`select ${found} as found`.execute(db)
  return Boolean(rows[0]?.found)
}

/** The rule, said once more: A to Z in either case, everything else only itself. */
const fold = (text: string): string => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

/** Wildcards and escapes of every database, and letters that fold elsewhere. */
const characters = [
  ...'%_\\*?[]^\'".- aAbBzZ',
  'é',
  'É',
  'ß',
  'ẞ',
  'ı',
  'İ',
  'K',
  'ﬃ',
  '中',
  '𝔘',
  '\u0301',
  '\n',
]

test('a part is found literally, in any of 3,000 random texts', async context => {
  const random = createSeeded(context)
  const write = (most: number): string =>
    Array.from({ length: random.below(most + 1) }, () => random.pick(characters)).join('')
  for (let round = 0; round < 3_000; round++) {
    const [text, part] = [write(8), write(2)]
    assert.equal(await isFound(text, part), fold(text).includes(fold(part)), JSON.stringify([text, part]))
  }
})

for (const [text, part] of [
  ['abc', 'a%'],
  ['abc', 'a_c'],
  ['abc', '\\a'],
  ['É', 'é'],
  ['\u212a', 'k'],
  ['ß', 'ss'],
] as const)
  test(`${part} is not a part of ${text}`, async () => {
    assert.equal(await isFound(text, part), false)
  })

test('PostgreSQL is asked for the same, whatever the language of its database', () => {
  const db = new Kysely<{ posts: { title: string } }>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: own => new PostgresIntrospector(own),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
  const query = db.selectFrom('posts').selectAll()
  const compiled = query.where(eb => contains(db, eb.ref('title'), '50%_É')).compile()
  assert.match(compiled.sql, /strpos\(lower\("title" collate "C"\), \$1\) > 0/)
  assert.deepEqual(compiled.parameters, ['50%_É'])
})

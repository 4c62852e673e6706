import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { writeBundles } from '../bundles.ts'
import { listRepeatable } from '../failures.ts'
import { top } from '../markdown.ts'
import { arrangeFiles, isDatabase, listFiles, longest, sameOnEach } from '../runs.ts'

/** A file of tests of which one fails on the database named. */
const writeFailing = (where: string): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'gatewright-')), 'failing.test.ts')
  const text = `import { test } from 'node:test'
test('fails', () => { if (process.env.TEST_DATABASE === '${where}') throw new Error('no') })
`
  writeFileSync(file, text)
  return file
}

/** Both databases at once bring a server of their own; one alone has that of this run. */
const runTests = (...words: readonly string[]) => {
  const { NODE_TEST_CONTEXT: _, TEST_POSTGRES, ...rest } = process.env
  const env = isDatabase(words[0]) ? { ...rest, TEST_POSTGRES } : rest
  const { status, stdout } = spawnSync(process.execPath, ['test/run.ts', ...words], { env, cwd: top })
  return { status, printed: String(stdout) }
}

for (const where of ['sqlite', 'postgres'])
  test(`a test run with PostgreSQL beside it fails when a test fails on ${where}`, () => {
    const file = writeFailing(where)
    const { status, printed } = runTests(file)
    assert.match(printed, /fail 1/)
    assert.match(printed, /pass 1/)
    assert.equal(status, 1)
    const other = where === 'sqlite' ? 'postgres' : 'sqlite'
    assert.deepEqual([runTests(where, file).status, runTests(other, file).status], [1, 0])
    rmSync(dirname(file), { recursive: true })
  })

test('a test run without any test has failed', () => {
  assert.equal(runTests('sqlite', 'no-such-file.test.ts').status, 1)
})

const brokenFiles: Readonly<Record<string, string>> = {
  'can not be loaded': 'throw new Error("no")',
  'waits while it is loaded': 'await Promise.resolve()',
  'has a test that fails': 'import { test } from "node:test"\ntest("fails", () => { throw new Error("no") })',
  'has a promise that fails, and that no test waits for':
    'import { test } from "node:test"\nconst fail = async () => { throw new Error("no") }\ntest("passes", () => { void fail() })',
}
for (const [what, text] of Object.entries(brokenFiles))
  test(`a file among others in one process that ${what} fails the run`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
    const file = join(folder, 'broken.test.ts')
    writeFileSync(file, text)
    const { files, remove } = writeBundles([[relative(top, file)]])
    assert.equal(runTests('sqlite', ...files).status, 1)
    remove()
    rmSync(folder, { recursive: true })
  })

test('three failing files are run again at most, and none beside a failure that no file can be named for', () => {
  const fail = (file: string | undefined, database: 'sqlite' | 'postgres' = 'sqlite') =>
    ({ database, file, test: 'fails', message: '' }) as const
  const three = ['a.test.ts', 'b.test.ts', 'c.test.ts'].map(file => fail(file))
  const listed = listRepeatable([...three, fail('a.test.ts')])
  assert.deepEqual(
    listed.map(({ file }) => file),
    ['a.test.ts', 'b.test.ts', 'c.test.ts'],
  )
  assert.deepEqual(listRepeatable([...three, fail('a.test.ts', 'postgres')]), [])
  assert.deepEqual(listRepeatable([fail('a.test.ts'), fail(undefined)]), [])
})

test('hooks of a file do nothing to another one in the same process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const names = ['one', 'two'].map(name => join(folder, `${name}.test.ts`))
  for (const file of names)
    writeFileSync(
      file,
      `import { beforeEach, test } from 'node:test'
let count = 0
beforeEach(() => { count += 1 })
test('counts its own', () => { if (count !== 1) throw new Error(String(count)) })
`,
    )
  const { files, remove } = writeBundles([names.map(file => relative(top, file))])
  const { status, printed } = runTests('sqlite', ...files)
  assert.match(printed, /pass 2/)
  assert.equal(status, 0)
  remove()
  rmSync(folder, { recursive: true })
})

test('every file of a run is in it once, alone or with others', () => {
  for (const database of ['sqlite', 'postgres'] as const) {
    const { long, bundles, alone } = arrangeFiles(database)
    assert.deepEqual([...long, ...bundles.flat(), ...alone].toSorted(), listFiles(database).toSorted())
    for (const file of ['test/workers/hanging.test.ts', 'test/verifier/freshness.test.ts'])
      if (database === 'sqlite') assert.ok(alone.includes(file), `${file} changes or measures its process`)
  }
})

test('no suite waits while it is made: its tests would be those of the file', () => {
  const isWaiting = /\b(?:describe|suite)\([^\n]*\basync\b/
  const waiting = listFiles('sqlite').filter(file => isWaiting.test(readFileSync(join(top, file), 'utf8')))
  assert.deepEqual(waiting, [])
})

test('the files that start first are there, and each file of tests is run once', () => {
  const files = listFiles('sqlite')
  assert.deepEqual(files.slice(0, longest.length), longest)
  assert.equal(new Set(files).size, files.length)
  assert.ok(files.length > 300)
  for (const file of sameOnEach) assert.ok(files.includes(file), file)
  const elsewhere = listFiles('postgres').filter(file => !files.includes(file))
  assert.deepEqual(elsewhere, [])
})

test('on PostgreSQL every file is run that asks for its database, far or near, and no other', () => {
  const files = listFiles('postgres')
  const asking = ['test/route-matrix.test.ts', 'apps/blog/test/search.test.ts', 'test/models/refresh.test.ts']
  for (const file of asking) assert.ok(files.includes(file), file)
  const same = ['packages/gatewright/src/users/username.test.ts', 'apps/blog/test/migrations.test.ts']
  for (const file of same) assert.ok(!files.includes(file), file)
  assert.ok(files.length > 150)
})

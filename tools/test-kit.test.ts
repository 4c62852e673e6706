import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { parseSource, readSources, type Sources } from './sources.ts'
import { readPackages } from './workspaces.ts'

const kit = 'packages/gatewright/src/testing/'
const entry = 'gatewright/testing'

const sources = readSources()
const { exported } = readPackages()

const isTest = (path: string): boolean => /\.test\.tsx?$|\/test\//.test(path)

/** The files that an import leads to, of this repository. */
const findTargets = (all: Sources, path: string): readonly string[] =>
  parseSource(path, all.get(path) ?? '').imports.flatMap(({ specifier = '' }) => {
    if (/^\.\.?\//.test(specifier)) return [posix.join(posix.dirname(path), specifier)]
    return exported.get(specifier) ?? []
  })

/** Everything that is loaded with these files, types included. */
const reach = (all: Sources, starts: readonly string[]): ReadonlySet<string> => {
  const reached = new Set<string>()
  const waiting = [...starts]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path) || !all.has(path)) continue
    reached.add(path)
    waiting.push(...findTargets(all, path))
  }
  return reached
}

/** What a server, a command or an application starts from. */
const production = [
  ...[...exported].filter(([name]) => name !== entry).map(([, path]) => path),
  'packages/gatewright/src/cli/main.ts',
  ...[...sources.keys()].filter(path => /^apps\/[^/]+\/src\//.test(path) && !isTest(path)),
]

const ofKit = (paths: Iterable<string>): readonly string[] =>
  [...paths].filter(path => path.startsWith(kit) && !isTest(path))

test('nothing that production starts from loads the test kit, not even its types', () => {
  assert.ok(production.length > 50)
  assert.deepEqual(ofKit(reach(sources, production)), [])
  assert.ok(
    ofKit(reach(sources, [exported.get(entry) ?? ''])).length > 5,
    'the kit is found where it is loaded',
  )
})

test('an import of the test kit by production would be found, by its name and by its path', () => {
  const blog = 'apps/blog/src/blog.ts'
  for (const specifier of [entry, '../../../packages/gatewright/src/testing/test-user.ts']) {
    const changed = new Map(sources).set(blog, `import '${specifier}'\n${sources.get(blog)}`)
    assert.ok(ofKit(reach(changed, production)).length > 0, specifier)
  }
})

/** What the tests of an application import that are neither its own nor anybody's. */
const findForeign = (all: Sources, app: string): readonly string[] =>
  [...all].flatMap(([path, text]) =>
    path.startsWith(app) && isTest(path)
      ? parseSource(path, text).imports.flatMap(({ specifier = 'computed' }) => {
          const isOwn = /^\.\.?\//.test(specifier)
            ? posix.join(posix.dirname(path), specifier).startsWith(app)
            : specifier === entry || /^(node:|kysely$)/.test(specifier)
          return isOwn ? [] : [`${path}: ${specifier}`]
        })
      : [],
  )

test("the blog's tests import the test kit and the blog's own code, and nothing else of this repository", () => {
  const tests = [...sources.keys()].filter(path => path.startsWith('apps/blog/') && isTest(path))
  assert.ok(tests.length > 5)
  assert.deepEqual(findForeign(sources, 'apps/blog/'), [])
})

for (const specifier of [
  'gatewright/compose',
  'gatewright/clock',
  '../../../test/harness.ts',
  '../../../packages/gatewright/src/testing/testing.ts',
])
  test(`a test of the blog may not import ${specifier}`, () => {
    const path = 'apps/blog/test/other.test.ts'
    const found = findForeign(new Map([[path, `import '${specifier}'`]]), 'apps/blog/')
    assert.deepEqual(found, [`${path}: ${specifier}`])
  })

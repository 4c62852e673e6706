import assert from 'node:assert/strict'
import { test } from 'node:test'
import { floors } from '../packages/gatewright/src/floors.ts'
import { findFaults, type Layout } from './floors.ts'
import { readSources } from './sources.ts'
import { readPackages } from './workspaces.ts'

const engine = 'packages/gatewright/src'

const layout: Layout = {
  floors: ['ground', 'users', 'compose.ts', 'http'],
  packages: ['gatewright', '@gatewright/blog'],
  exported: new Map([['gatewright', `${engine}/http/plugin.ts`]]),
}

const faultsIn = (files: Record<string, string>): readonly string[] =>
  findFaults(new Map(Object.entries(files)), layout)

const assertFault = (path: string, text: string, expected: RegExp): void => {
  const [fault = '', ...more] = faultsIn({ [path]: text })
  assert.deepEqual(more, [])
  assert.ok(fault.startsWith(`${path}:`), `the fault names the file: ${fault}`)
  assert.match(fault, expected)
}

test('every import of this repository follows the layout, and no file is part of a cycle', () => {
  assert.deepEqual(findFaults(readSources(), { floors, ...readPackages() }), [])
})

test('imports within a floor, from lower floors, of packages and of exported names are allowed', () => {
  const files = {
    [`${engine}/ground/clock.ts`]: "import { setTimeout } from 'node:timers/promises'",
    [`${engine}/users/user.ts`]: "import '../ground/clock.ts'\nimport type { A } from './a.ts'",
    [`${engine}/users/a.ts`]: "import { jwtVerify } from 'jose'",
    [`${engine}/compose.ts`]: "export { clock } from './ground/clock.ts'",
    [`${engine}/http/plugin.ts`]: "import '../compose.ts'\nimport '../../package.json'",
    'apps/blog/src/main.ts': "import { gatewright } from 'gatewright'",
  }
  assert.deepEqual(faultsIn(files), [])
})

const upwards: Record<string, string> = {
  import: "\nimport { start } from '../http/plugin.ts'",
  'import of a type': "\nimport type { Start } from '../http/plugin.ts'",
  'import for its effects': "\nimport '../http/plugin.ts'",
  'export from': "\nexport { start } from '../http/plugin.ts'",
  'export of everything': "\nexport * from '../http/plugin.ts'",
  'import()': "\nconst plugin = await import('../http/plugin.ts')",
  'import() of a template': '\nconst plugin = await import(`../http/plugin.ts`)',
  'type of an import': "\nexport type Plugin = typeof import('../http/plugin.ts')",
  'import by the own name of the package': "\nimport { start } from 'gatewright'",
}

for (const [kind, text] of Object.entries(upwards)) {
  test(`an import from a higher floor is a fault: ${kind}`, () => {
    assertFault(`${engine}/users/user.ts`, text, /:2: users may not import from http/)
  })
}

test('what only looks like an import is none', () => {
  const texts = [
    "// import '../http/plugin.ts'",
    "/* import '../http/plugin.ts' */",
    'export const text = "import \'../http/plugin.ts\'"',
  ]
  for (const text of texts) assert.deepEqual(faultsIn({ [`${engine}/users/user.ts`]: text }), [])
})

test('a top-level file is a floor of its own', () => {
  assertFault(`${engine}/users/user.ts`, "import '../compose.ts'", /may not import from compose\.ts/)
})

test('a folder that no floor names is a fault, whether it is there or imported', () => {
  assertFault(`${engine}/utils/text.ts`, 'export {}', /utils is not in the list of floors/)
  assertFault(`${engine}/http/a.ts`, "import '../utils/text.ts'", /may not import from utils/)
})

test('the list of floors imports nothing, and no source imports it', () => {
  assertFault(`${engine}/floors.ts`, "import 'node:fs'", /imports nothing/)
  assertFault(`${engine}/http/a.ts`, "import '../floors.ts'", /may not import from floors\.ts/)
})

test('a test may import from any floor', () => {
  assert.deepEqual(faultsIn({ [`${engine}/ground/clock.test.ts`]: "import '../http/plugin.ts'" }), [])
})

test('source may not import what its package does not ship', () => {
  assertFault(`${engine}/http/a.ts`, "import '../../test/a.ts'", /not belong to the source of the package/)
  assertFault('apps/blog/src/main.ts', "import '../../../test/a.ts'", /does not belong to the package/)
})

test('an app reaches the engine by exported names alone, in its tests as well', () => {
  const deep = "import '../../../packages/gatewright/src/users/user.ts'"
  assertFault('apps/blog/src/main.ts', deep, /belongs to another package/)
  assertFault('apps/blog/test/blog.test.ts', deep, /belongs to another package/)
  assertFault('apps/blog/src/main.ts', "import 'gatewright/src/users/user.ts'", /not in the exports/)
})

test('a package whose name only begins like ours is another', () => {
  assert.deepEqual(faultsIn({ 'apps/blog/src/main.ts': "import 'gatewright-extras'" }), [])
})

test('an import that can not be checked is a fault in source, and a computed one is not in a test', () => {
  const computed = '\nawait import(name)'
  assertFault(`${engine}/http/a.ts`, computed, /:2: .*write its path out/)
  assertFault(`${engine}/http/a.ts`, "import '#users'", /relative path/)
  assert.deepEqual(faultsIn({ [`${engine}/http/a.test.ts`]: computed }), [])
})

test('a cycle of files is a fault, also through types and import()', () => {
  const files = {
    'tools/a.ts': "import type { B } from './b.ts'",
    'tools/b.ts': "export * from './c.ts'",
    'tools/c.ts': "import('./a.ts')",
  }
  assert.deepEqual(faultsIn(files), ['cycle: tools/a.ts → tools/b.ts → tools/c.ts → tools/a.ts'])
})

test('a cycle is found in tests, of one file with itself, and through an exported name', () => {
  assert.equal(faultsIn({ 'test/a.test.ts': "import './a.test.ts'" }).length, 1)
  const [plugin, other] = [`${engine}/http/plugin.ts`, `${engine}/http/a.ts`]
  const faults = faultsIn({ [plugin]: "import './a.ts'", [other]: "import 'gatewright'" })
  assert.deepEqual(faults, [`cycle: ${plugin} → ${other} → ${plugin}`])
})

test('two ways to one file are not a cycle', () => {
  const files = { 'tools/a.ts': "import './b.ts'\nimport './c.ts'", 'tools/b.ts': "import './c.ts'" }
  assert.deepEqual(faultsIn(files), [])
})

test('a file that can not be parsed is named', () => {
  assert.throws(() => faultsIn({ 'tools/a.ts': 'import {' }), /tools\/a\.ts/)
})

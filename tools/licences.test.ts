import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findRefused, isAllowed, type Lock, listDependencies, toPage } from './licences.ts'

const lock: Lock = {
  packages: {
    '': { version: '1.0.0', license: 'Apache-2.0' },
    'packages/gatewright': { version: '1.0.0', license: 'Apache-2.0' },
    'node_modules/gatewright': { link: true },
    'node_modules/fastify': { version: '5.0.0', license: 'MIT' },
    'node_modules/@fastify/error': { version: '4.0.0', license: 'MIT' },
    'node_modules/knip': { version: '6.0.0', license: 'ISC', dev: true },
    'node_modules/fastify/node_modules/ajv': { version: '8.0.0', license: 'MIT' },
    'node_modules/ajv': { version: '8.0.0', license: 'MIT' },
    'packages/gatewright/node_modules/ajv': { version: '6.0.0', license: 'MIT' },
  },
}

const nothingInstalled = (): undefined => undefined

test('the list holds what users install, each version once, and neither our own nor development packages', () => {
  const names = listDependencies(lock, nothingInstalled).map(({ name, version }) => `${name} ${version}`)
  assert.deepEqual(names, ['@fastify/error 4.0.0', 'ajv 6.0.0', 'ajv 8.0.0', 'fastify 5.0.0'])
})

test('the licence of the installed package counts, where it differs from the lock file', () => {
  const dependencies = listDependencies(lock, place =>
    place === 'node_modules/fastify' ? 'AGPL-3.0' : undefined,
  )
  assert.deepEqual(findRefused(dependencies), ['fastify 5.0.0: AGPL-3.0'])
})

test('a package without a licence is refused', () => {
  assert.deepEqual(findRefused([{ name: 'a', version: '1.0.0', licence: undefined }]), [
    'a 1.0.0: no licence',
  ])
})

for (const licence of [
  'MIT',
  '(MIT OR GPL-3.0)',
  'GPL-3.0 OR MIT',
  'MIT AND ISC',
  '(Apache-2.0 AND BSD-3-Clause)',
]) {
  test(`allowed: ${licence}`, () => assert.ok(isAllowed(licence)))
}

for (const licence of [
  'GPL-3.0',
  'mit',
  '',
  'UNLICENSED',
  'SEE LICENSE IN x',
  'MIT AND GPL-3.0',
  '(MIT OR X) AND Y',
]) {
  test(`refused: ${licence || 'an empty text'}`, () => assert.ok(!isAllowed(licence)))
}

test('the page has one line per package and ends with a newline', () => {
  const page = toPage([{ name: 'ajv', version: '8.0.0', licence: 'MIT' }])
  assert.ok(page.endsWith('\n| ajv | 8.0.0 | MIT |\n'))
})

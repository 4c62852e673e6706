import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSbom } from './sbom.ts'

type Component = {
  readonly name: string
  readonly hashes?: readonly { readonly alg: string }[]
  readonly licenses?: object[]
}

test('the SBOM of a package names what it runs on, each with its hash and licence, and nothing that only work on it needs', () => {
  const { bomFormat, components } = makeSbom('gatewright') as ReturnType<typeof makeSbom> & {
    components: Component[]
  }
  const names = new Set(components.map(({ name }) => name))
  assert.equal(bomFormat, 'CycloneDX')
  // npm by itself leaves these out, because they stand among the dependencies for development as well.
  for (const name of ['fastify', 'pg', 'kysely', 'pino']) assert.ok(names.has(name), name)
  for (const name of ['typescript', 'secretlint', 'react', 'node']) assert.ok(!names.has(name), name)
  for (const { name, hashes, licenses } of components)
    assert.ok(name === 'gatewright' || (hashes?.some(({ alg }) => alg === 'SHA-512') && licenses), name)
})

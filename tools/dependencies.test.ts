import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

type Manifest = { readonly dependencies?: object; readonly devDependencies?: object }

const manifests = ['package.json', 'packages/gatewright', 'apps/blog', 'apps/console'].map(path =>
  path.endsWith('.json') ? path : `${path}/package.json`,
)

for (const path of manifests)
  test(`every direct dependency of ${path} says in docs/dependencies.md what it is for, and is pinned exactly`, () => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(read(path)) as Manifest
    const page = read('docs/dependencies.md')
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.ok(page.includes(`\`${name}\``), `docs/dependencies.md has no word on ${name}`)
      assert.match(String(version), /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} is not pinned`)
    }
  })

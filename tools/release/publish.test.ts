import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { release } from './made-up-release.ts'
import { toSums } from './pack.ts'
import { placeProgram } from './place-program.ts'
import type { Release } from './plan.ts'
import { publishRelease } from './publish.ts'

const tarball = (name: string): string => `${name}-1.2.3.tgz`

/** What was packed, and a npm that knows no version yet. */
const prepare = (t: TestContext, script = '') => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-packed-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['gatewright', 'gatewright-verifier']) writeFileSync(join(folder, tarball(name)), name)
  writeFileSync(join(folder, 'SHA256SUMS'), toSums(folder))
  const npm = placeProgram(t, 'npm', script)
  const publish = (more: Partial<Release> = {}) =>
    publishRelease({ ...release, ...more }, { folder, more: [], env: npm.env })
  return { folder, publish, published: () => npm.calls().filter(([verb]) => verb === 'publish') }
}

describe('publishing', () => {
  test('gives both packages to the registry with provenance, a preview as nobody’s default', t => {
    const { folder, publish, published } = prepare(t)
    const words = (name: string, tag: string) => [
      'publish',
      join(folder, tarball(name)),
      '--provenance',
      '--access',
      'public',
      '--tag',
      tag,
    ]
    assert.equal(publish(), true)
    assert.deepEqual(published(), [words('gatewright', 'latest'), words('gatewright-verifier', 'latest')])
    for (const [at, distTag] of ['next', 'release-1.1'].entries()) {
      assert.equal(publish({ distTag }), true)
      assert.deepEqual(published().slice(2 + 2 * at), [
        words('gatewright', distTag),
        words('gatewright-verifier', distTag),
      ])
    }
  })

  const changes: Readonly<Record<string, (folder: string) => void>> = {
    'a tarball was changed': folder => appendFileSync(join(folder, tarball('gatewright-verifier')), '!'),
    'a tarball was exchanged': folder => writeFileSync(join(folder, tarball('gatewright')), 'GATEWRIGHT'),
    'a tarball is gone': folder => rmSync(join(folder, tarball('gatewright-verifier'))),
    'a file came in': folder => writeFileSync(join(folder, 'gatewright-1.2.4.tgz'), ''),
    'the hashes are gone': folder => rmSync(join(folder, 'SHA256SUMS')),
  }
  for (const [title, change] of Object.entries(changes))
    test(`swapped package: nothing is published, the other one neither, where after packing ${title}`, t => {
      const { folder, publish, published } = prepare(t)
      change(folder)
      assert.match(String(publish()), /not as npm run release:pack left it/)
      assert.deepEqual(published(), [])
    })

  test('stops where the registry refuses, and says so', t => {
    const { publish, published } = prepare(t, '[ "$1" != publish ]')
    assert.equal(publish(), false)
    assert.equal(published().length, 1)
  })

  test('that was broken off goes on with what is not there yet', t => {
    const { folder, publish, published } = prepare(
      t,
      `case "$*" in "view gatewright@"*) echo '"1.2.3"' ;; esac`,
    )
    assert.equal(publish(), true)
    assert.deepEqual(
      published().map(([, file]) => file),
      [join(folder, tarball('gatewright-verifier'))],
    )
  })
})

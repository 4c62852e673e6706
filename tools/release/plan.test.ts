import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { toPublished } from '../published-manifest.ts'
import { toSums } from './pack.ts'
import { type Facts, planRelease, readFacts } from './plan.ts'

const facts: Facts = {
  tag: 'v1.2.3',
  repository: 'Example/Gatewright',
  revision: 'a'.repeat(40),
  versions: { 'package.json': '1.2.3', 'packages/gatewright/package.json': '1.2.3' },
  changelog:
    '# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.3 - 2026-12-01\n\n### Added\n\n- this\n\n## 1.2.2\n\n- old\n',
  tags: ['v1.2.1', 'v1.2.2', 'v1.2.3', 'v0.10.0'],
}

test('a version tag releases what has this version, under names that follow it', () => {
  assert.deepEqual(planRelease(facts), {
    version: '1.2.3',
    isPreview: false,
    isLatest: true,
    distTag: 'latest',
    image: 'ghcr.io/example/gatewright',
    tags: ['1.2.3', '1.2', 'latest'].map(tag => `ghcr.io/example/gatewright:${tag}`),
    revision: 'a'.repeat(40),
    notes: '### Added\n\n- this',
  })
})

test('a preview is called by its version alone: nobody gets it who has not asked for it', () => {
  const version = '1.3.0-rc.1'
  const plan = planRelease({
    ...facts,
    tag: `v${version}`,
    versions: { 'package.json': version },
    changelog: `## ${version}\n\n- new\n`,
    tags: [`v${version}`, 'v1.2.3'],
  })
  assert.ok('version' in plan)
  const { isPreview, isLatest, distTag, tags } = plan
  assert.deepEqual([isPreview, isLatest, distTag], [true, false, 'next'])
  assert.deepEqual(tags, [`ghcr.io/example/gatewright:${version}`])
})

describe('"latest" and the name of a line never go back, whatever is released late', () => {
  const rows: readonly (readonly [others: readonly string[], names: readonly string[], distTag: string])[] = [
    [[], ['1.2.3', '1.2', 'latest'], 'latest'],
    [['v1.2.2', 'v1.1.9', 'v0.9.9'], ['1.2.3', '1.2', 'latest'], 'latest'],
    [['v1.3.0'], ['1.2.3', '1.2'], 'release-1.2'],
    [['v2.0.0'], ['1.2.3', '1.2'], 'release-1.2'],
    [['v10.0.0'], ['1.2.3', '1.2'], 'release-1.2'],
    [['v1.10.0'], ['1.2.3', '1.2'], 'release-1.2'],
    [['v1.2.4'], ['1.2.3'], 'release-1.2'],
    [['v1.2.10'], ['1.2.3'], 'release-1.2'],
    [['v1.20.0', 'v1.2.1'], ['1.2.3', '1.2'], 'release-1.2'],
    // Nobody was given them as anything but what they are.
    [['v1.3.0-rc.1', 'v2.0.0-beta', 'vintage', 'nightly-9.9.9', ''], ['1.2.3', '1.2', 'latest'], 'latest'],
  ]
  for (const [others, names, distTag] of rows)
    test(`beside ${others.join(', ') || 'nothing'}: ${names.join(', ')}`, () => {
      const plan = planRelease({ ...facts, tags: [...others, 'v1.2.3'] })
      assert.ok('version' in plan)
      const isLatest = names.includes('latest')
      assert.deepEqual([plan.distTag, plan.isLatest], [distTag, isLatest])
      assert.deepEqual(
        plan.tags,
        names.map(name => `ghcr.io/example/gatewright:${name}`),
      )
    })
})

test('nothing is released of a tag that is no version, another version, without notes, or without a commit', () => {
  const wrong: readonly (readonly [Partial<Facts>, RegExp])[] = [
    [{ tag: 'main' }, /the tag is not v/],
    [{ tag: 'v1.2' }, /the tag is not v/],
    [{ tag: 'v1.2.3\nimage=evil' }, /the tag is not v/],
    [{ tag: 'v1.2.4' }, /has version 1\.2\.3, and the tag is v1\.2\.4[\s\S]*nothing under "## 1\.2\.4"/],
    [
      { versions: { 'packages/verifier/package.json': '1.2.2' } },
      /packages\/verifier\/package\.json has version 1\.2\.2/,
    ],
    [{ changelog: '## Unreleased\n\n- x\n' }, /nothing under/],
    [{ changelog: '## 1.2.3\n\n## 1.2.2\n\n- old\n' }, /nothing under/],
    [{ repository: 'x' }, /GITHUB_REPOSITORY/],
    [{ repository: 'a/b\ntags=evil' }, /GITHUB_REPOSITORY/],
    [{ revision: 'main' }, /GITHUB_SHA/],
    [{ tags: undefined }, /not every tag is here/],
    [{ tags: [] }, /or not v1\.2\.3: run git fetch/],
  ]
  for (const [change, told] of wrong) {
    const plan = planRelease({ ...facts, ...change })
    assert.ok(!('version' in plan), JSON.stringify(change))
    assert.match(plan.join('\n'), told)
  }
})

test('all that is released has one version', () => {
  const { versions } = readFacts({})
  assert.equal(new Set(Object.values(versions)).size, 1, JSON.stringify(versions))
})

test('a package that is released names the repository whose workflow released it', () => {
  const manifest = { exports: { '.': './src/a.ts' } }
  const home = { repository: 'example/gatewright', folder: 'packages/gatewright' }
  const published: object = toPublished(manifest, home)
  const url = 'git+https://github.com/example/gatewright.git'
  const repository = { type: 'git', url, directory: 'packages/gatewright' }
  assert.deepEqual(published, { ...toPublished(manifest), repository })
  assert.ok(!('repository' in toPublished(manifest, { ...home, repository: undefined })))
})

test('the hashes of a release are of every file but their own', t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-sums-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['b.tgz', 'a.json', 'SHA256SUMS']) writeFileSync(join(folder, name), '')
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  assert.equal(toSums(folder), `${empty}  a.json\n${empty}  b.tgz\n`)
})

test('forged release: an image is deployed only where the release workflow has signed for it at a version tag, not on a branch', t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-gh-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'gh'), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 })
  const env = {
    PATH: `${folder}:/bin`,
    GITHUB_REPOSITORY: 'example/gate.wright',
    IMAGE: `ghcr.io/a/b@sha256:${'0'.repeat(64)}`,
  }
  const words = execFileSync(process.execPath, [join(import.meta.dirname, 'verify.ts')], {
    env,
    encoding: 'utf8',
  }).split('\n')
  assert.deepEqual(words.slice(2, 5), [`oci://${env.IMAGE}`, '--repo', env.GITHUB_REPOSITORY])
  const identity = new RegExp(words[words.indexOf('--cert-identity-regex') + 1] ?? assert.fail())
  const at = (repository: string, ref: string, file = 'release.yml') =>
    identity.test(`https://github.com/${repository}/.github/workflows/${file}@${ref}`)
  assert.ok(at('example/gate.wright', 'refs/tags/v1.2.3'))
  assert.ok(!at('example/gate.wright', 'refs/heads/v1.2.3'))
  assert.ok(!at('example/gate.wright', 'refs/heads/refs/tags/v1.2.3'))
  assert.ok(!at('example/gate.wright', 'refs/tags/v1.2.3', 'test.yml'))
  assert.ok(!at('example/gate-wright', 'refs/tags/v1.2.3'))
})

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { top } from '../top.ts'
import { placeProgram } from './place-program.ts'
import { readTags } from './tags.ts'

const manifests = ['package.json', 'packages/gatewright/package.json', 'packages/verifier/package.json']
const { version } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'))

const git = (cwd: string, ...words: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...words], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: cwd },
  })

/** As a job has it that has checked out, and installs nothing. */
const checkOut = (t: TestContext, ...tags: readonly string[]): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-checkout-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const path of [...globSync('tools/**/*.ts', { cwd: top, exclude: ['**/node_modules'] }), ...manifests])
    cpSync(join(top, path), join(folder, path))
  writeFileSync(join(folder, 'CHANGELOG.md'), `## ${version}\n\n- what is new\n`)
  mkdirSync(join(folder, 'release'))
  writeFileSync(join(folder, 'release/SHA256SUMS'), '')
  git(folder, 'init', '--quiet')
  git(folder, 'commit', '--quiet', '--allow-empty', '--message=a')
  for (const tag of tags) git(folder, 'tag', tag)
  return folder
}

const makePage = (t: TestContext, cwd: string) => {
  const notes = join(cwd, 'notes')
  const gh = placeProgram(t, 'gh', `cat >'${notes}'`)
  const { status, stderr } = spawnSync(process.execPath, ['tools/release/github.ts'], {
    cwd,
    encoding: 'utf8',
    env: {
      ...gh.env,
      GITHUB_REF_NAME: `v${version}`,
      GITHUB_REPOSITORY: 'example/gatewright',
      GITHUB_SHA: 'a'.repeat(40),
    },
  })
  return { status, stderr, calls: gh.calls(), notes: () => readFileSync(notes, 'utf8') }
}

test('the page of a release is drafted with its notes and files, by a job that has installed nothing', t => {
  const folder = checkOut(t, `v${version}`)
  const { status, stderr, calls, notes } = makePage(t, folder)
  assert.deepEqual([status, stderr], [0, ''])
  const words = ['--verify-tag', '--draft', '--title', version, '--notes-file', '-']
  assert.deepEqual(calls, [
    ['release', 'create', `v${version}`, ...words, join(folder, 'release/SHA256SUMS')],
  ])
  assert.equal(notes(), '- what is new')
})

test('the page of a version that came late is not that of the latest, and there is none where nobody knows', t => {
  const folder = checkOut(t, `v${version}`, 'v99.0.0')
  assert.ok(makePage(t, folder).calls[0]?.includes('--latest=false'))
  const shallow = join(folder, 'shallow')
  const words = ['--quiet', '--depth=1', '--config=advice.detachedHead=false', `--branch=v${version}`]
  git(folder, 'clone', ...words, pathToFileURL(folder).href, shallow)
  assert.deepEqual(readTags(folder), [`v${version}`, 'v99.0.0'])
  assert.equal(readTags(shallow), undefined)
  rmSync(join(folder, '.git'), { recursive: true })
  const { status, stderr, calls } = makePage(t, folder)
  assert.deepEqual([status, calls], [1, []])
  assert.match(stderr, /^release: not every tag is here/)
})

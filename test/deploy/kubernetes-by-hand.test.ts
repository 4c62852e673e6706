import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { placeProgram } from '../../tools/release/place-program.ts'
import { listDocuments, readBlocks, readDocument, top } from '../markdown.ts'

const files = globSync('deploy/kubernetes/*.yaml', { cwd: top }).sort()
const blocks = readBlocks(readDocument('docs/kubernetes.md'))
const deployment = readDocument('deploy/kubernetes/deployment.yaml')
const first = /image: (\S+)/.exec(deployment)?.[1] ?? ''
const wholeFolder = /apply (-k|--kustomize)\b/

describe('an installation that runs is changed by hand', () => {
  test('taken back by accident: never by the whole folder, which brings the first image back; that is for the first time', () => {
    const places = [...listDocuments(), ...files].flatMap(path =>
      readDocument(path)
        .split(/^(?=## )/m)
        .flatMap(section =>
          section.split('\n').flatMap(line => (wholeFolder.test(line) ? [{ path, section, line }] : [])),
        ),
    )
    const [page, kustomization] = places
    assert.deepEqual(
      places.map(({ path }) => path),
      ['docs/kubernetes.md', 'deploy/kubernetes/kustomization.yaml'],
    )
    assert.match(page?.section ?? '', /^## The first time\n/)
    assert.match(kustomization?.line ?? '', /first time only/)
  })

  test('new settings are followed by a restart, for pods read them when they start', () => {
    const paths = [...listDocuments(), 'deploy/kubernetes/settings.yaml']
    const lines = paths
      .flatMap(path => readDocument(path).split('\n'))
      .filter(line => /apply -f \S*settings\.yaml/.test(line))
    assert.equal(lines.length, 2)
    for (const line of lines)
      assert.match(line, /settings\.yaml && kubectl rollout restart .*deployment\/gatewright/)
  })

  const [block] = blocks.filter(({ text }) => text.includes('jsonpath'))
  const running = `ghcr.io/example/gatewright@sha256:${'a'.repeat(64)}`
  /** As the page says, in a copy of the folder. */
  const change = (t: TestContext, script: string) => {
    const cwd = mkdtempSync(join(tmpdir(), 'gatewright-by-hand-'))
    t.after(() => rmSync(cwd, { recursive: true }))
    cpSync(join(top, 'deploy/kubernetes'), join(cwd, 'deploy/kubernetes'), { recursive: true })
    const kubectl = placeProgram(t, 'kubectl', `[ "$1" != get ] || ${script}`)
    const { status } = spawnSync('sh', ['-c', block?.text ?? assert.fail()], { cwd, env: kubectl.env })
    const text = readFileSync(join(cwd, 'deploy/kubernetes/deployment.yaml'), 'utf8')
    return { status, text, verbs: kubectl.calls().map(([verb]) => verb) }
  }

  test('another Deployment is of the image that runs, and is not applied where nobody could say which', t => {
    const { status, text, verbs } = change(t, `echo ${running}`)
    assert.deepEqual([status, verbs], [0, ['get', 'apply', 'rollout']])
    assert.equal(text, deployment.replace(first, running))
    for (const script of ['exit 1', 'exit 0']) {
      const failed = change(t, script)
      assert.notEqual(failed.status, 0)
      assert.deepEqual([failed.verbs, failed.text], [['get'], deployment])
    }
  })

  test('the smoke test after a new version has a user where nobody may register', () => {
    assert.doesNotMatch(readDocument('deploy/kubernetes/settings.yaml'), /REGISTRATION: open/)
    const lines = blocks.flatMap(({ text }) => text.split('\n').filter(line => / smoke /.test(line)))
    assert.ok(lines.length > 0)
    for (const line of lines) assert.match(line, / --username \S+ --password-stdin </)
  })
})

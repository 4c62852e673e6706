import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { top } from '../top.ts'
import { releaseImage, toBuildArguments } from './image.ts'
import { release } from './made-up-release.ts'
import { placeProgram } from './place-program.ts'

const created = '2026-12-01T10:00:00.000Z'
const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
const tells = (text: string): string =>
  `for word; do case $word in --metadata-file=*) printf '%s' '${text}' >"\${word#*=}" ;; esac; done`

const build = (t: TestContext, script: string, more: Readonly<Record<string, string>> = {}) => {
  const docker = placeProgram(t, 'docker', script)
  return {
    run: () => releaseImage(release, created, { ...docker.env, ...more }),
    words: () => docker.calls().flat(),
  }
}

describe('the image of a release', () => {
  test('is pushed under every name of the plan, with its labels, its provenance and its list of packages', t => {
    const { run, words } = build(t, tells(`{"containerimage.digest":"${digest}"}`))
    assert.equal(run(), digest)
    const given = words().filter(word => !word.startsWith('--metadata-file='))
    assert.deepEqual(given, [
      ...['buildx', 'build', '--platform=linux/amd64', '--push'],
      ...release.tags.map(tag => `--tag=${tag}`),
      ...['--build-arg=VERSION=1.2.3', `--build-arg=REVISION=${release.revision}`],
      ...[`--build-arg=CREATED=${created}`, '--attest=type=provenance,mode=max', '--attest=type=sbom', top],
    ])
  })

  test('names the run that built it in its provenance', t => {
    const { run, words } = build(t, tells(`{"containerimage.digest":"${digest}"}`), {
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'example/gatewright',
      GITHUB_RUN_ID: '7',
    })
    run()
    const id = 'builder-id=https://github.com/example/gatewright/actions/runs/7'
    assert.ok(words().includes(`--attest=type=provenance,mode=max,${id}`))
  })

  test('is none where the build fails, or nobody says which one the registry has taken', t => {
    assert.throws(build(t, 'exit 3').run, /ended with 3/)
    for (const script of ['', tells('{}'), tells('{"containerimage.digest":"latest"}')])
      assert.throws(build(t, script).run, /told no digest/)
  })

  test('says nothing in vain: each value that it hands over is an argument of the Dockerfile that fills a label', () => {
    const dockerfile = readFileSync(join(top, 'Dockerfile'), 'utf8')
    for (const name of Object.keys(toBuildArguments(release, created))) {
      assert.match(dockerfile, new RegExp(`^ARG ${name}=`, 'm'))
      assert.match(dockerfile, new RegExp(`image\\.${name.toLowerCase()}="\\$\\{${name}\\}"`))
    }
  })
})

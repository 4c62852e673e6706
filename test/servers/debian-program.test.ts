import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { findChromium } from '../browser.ts'
import { findInstalled, findProgram } from './debian-program.ts'

/** Nothing is on PATH then, apt-get neither. */
const change = (t: TestContext, change: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(change)) {
    const former = process.env[name]
    process.env[name] = value
    t.after(() => {
      if (former === undefined) delete process.env[name]
      else process.env[name] = former
    })
  }
}

describe('a program that is missing', () => {
  test('is a reason to skip a test, which says how to get it', async t => {
    change(t, { PATH: '', TEST_PROGRAMS: '' })
    const reason = await findProgram('no-such-program', ['its-package'])
    assert.match(String(reason), /no no-such-program on PATH, .*: apt-get install its-package$/)
    assert.match(String(findInstalled('no-such-program', 'its-package')), /: apt-get install its-package$/)
    assert.equal(findChromium(), undefined)
  })

  test('is a failure where every program was installed: no test is passed over unseen', async t => {
    change(t, { PATH: '', TEST_PROGRAMS: 'required' })
    const failure = /TEST_PROGRAMS=required, and there is no/
    await assert.rejects(findProgram('no-such-program', ['its-package']), failure)
    assert.throws(() => findInstalled('no-such-program', 'its-package'), failure)
    assert.throws(findChromium, failure)
  })

  test('is a failure as well where the word for that is written wrong', async t => {
    change(t, { PATH: '', TEST_PROGRAMS: 'require' })
    await assert.rejects(findProgram('no-such-program', ['its-package']), /write required/)
  })
})

test('npm run test:programs installs every program that a test looks for', () => {
  const installed = readFileSync(join(import.meta.dirname, 'install-programs.sh'), 'utf8').split(/\s+/)
  const top = join(import.meta.dirname, '..')
  // `npm run image:check` alone needs those of containers, and fails without them.
  const sources = globSync('**/*.ts', { cwd: top, exclude: ['containers/buildah.ts', '**/*.test.ts'] })
  const asked = [
    ...sources,
    'deploy/systemd.test.ts',
    'deploy/server-tls.test.ts',
    'containers/compose.test.ts',
  ]
    .map(path => readFileSync(join(top, path), 'utf8'))
    .flatMap(text => [
      ...text.matchAll(/findProgram\('[\w-]+', \['([\w.-]+)'/g),
      ...text.matchAll(/findInstalled\('[\w-]+', '([\w.-]+)'/g),
      ...text.matchAll(/const packages = \[\s*'([\w.-]+)'/g),
    ])
    .map(([, name = '']) => name)
  assert.ok(asked.length >= 12, `${asked}`)
  assert.deepEqual(
    asked.filter(name => !installed.includes(name)),
    [],
  )
})

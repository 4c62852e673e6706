import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

test('a test run with PostgreSQL beside it fails when a test fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const file = join(folder, 'failing.test.ts')
  writeFileSync(file, `import { test } from 'node:test'\ntest('fails', () => { throw new Error('no') })\n`)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const run = spawnSync(process.execPath, ['--test', '--test-global-setup=test/global-setup.ts', file], {
    env,
  })
  rmSync(folder, { recursive: true })
  assert.match(String(run.stdout), /fail 1/)
  assert.equal(run.status, 1)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { top } from './top.ts'

const run = (line: string) =>
  spawnSync(process.execPath, ['tools/on-node.ts', 'tools/node-runs.ts'], {
    cwd: top,
    env: { PATH: join(top, 'nowhere'), TEST_NODE: line },
    encoding: 'utf8',
  })

test('TEST_NODE names a line of Node.js that the tests run on; any other is refused in one line, and nothing runs', () => {
  for (const line of ['22', '24.1.0', 'latest', '../26', '--version']) {
    const { status, stdout, stderr } = run(line)
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /^TEST_NODE=\S+ is none of 24, \d+\n$/)
  }
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { explainDenied } from './denied.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const source = join(import.meta.dirname, 'denied.ts')

/** Nobody is kept out as root, so it is asked as another user there. */
const asked = async (file: string): Promise<string> => {
  const program = `import(${JSON.stringify(source)}).then(({ explainDenied }) => console.log(explainDenied(${JSON.stringify(file)})))`
  return (await run(process.execPath, ['-e', program], isRoot ? { uid: 10001 } : {})).stdout.trim()
}

describe('a file that can not be written', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatewright-denied-'))
    chmodSync(folder, 0o755)
    for (const name of ['closed', 'open']) mkdirSync(join(folder, name))
    chmodSync(join(folder, 'closed'), isRoot ? 0o700 : 0o500)
    chmodSync(join(folder, 'open'), 0o777)
    writeFileSync(join(folder, 'open/theirs.db'), '', { mode: isRoot ? 0o600 : 0o400 })
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const own = isRoot ? 10001 : process.getuid?.()
  test('is told with whose it is, as whom this runs, and what to do: first its folder', async () => {
    const path = join(folder, 'closed')
    const expected = `${path} belongs to user ${process.getuid?.()}, and this runs as user ${own}, who may not write it: chown -R ${own} ${path}, or write another place`
    assert.equal(await asked(join(path, 'gatewright.db')), expected)
  })

  test('then the file itself', async () => {
    assert.match(await asked(join(folder, 'open/theirs.db')), /open\/theirs\.db belongs to user/)
  })

  test('is no trouble where nothing stands in the way', () => {
    assert.equal(explainDenied(join(folder, 'open/new.db')), undefined)
  })
})

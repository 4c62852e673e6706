import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { settingRows } from 'gatewright/settings'
import { readBlocks, readDocument, top } from './markdown.ts'
import { assertPrinted, readSteps, takeTour } from './tour.ts'

/** The base that the README names; the tour runs on a free port instead. */
const writtenBase = 'http://localhost:3000'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-tour-'))
/** Empty texts mean the defaults, so that an `.env` file of a developer changes nothing. */
const env = {
  ...process.env,
  ...Object.fromEntries(settingRows.map(({ name }) => [name, ''])),
  GATEWRIGHT_SECRET_FILE: '',
  DATABASE_URL: `sqlite:${join(folder, 'tour.db')}`,
  PATH: [join(top, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  NO_COLOR: '1',
}

let server: ChildProcess
let started = ''
before(async () => {
  const settings = { ...env, PORT: '0', LOG_FORMAT: 'pretty', ACCESS_LOG: 'off' }
  server = spawn(process.execPath, ['apps/blog/src/main.ts'], {
    cwd: top,
    env: settings,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('exit', () => reject(new Error('the server stopped')))
  server.stdout?.on('data', chunk => {
    started += chunk
    if (started.includes('First administrator')) resolve()
  })
  await promise
})
after(async () => {
  server.kill()
  if (server.exitCode === null) await once(server, 'exit')
  rmSync(folder, { recursive: true, force: true })
})

const baseOf = (): string =>
  /^API: (http:\/\/localhost:\d+)\//m.exec(started)?.[1] ?? 'no address was printed'

const here = (text: string): string => text.replaceAll(writtenBase, baseOf())

const blocks = readBlocks(readDocument('README.md'))
const steps = readSteps(readDocument('README.md'))

test('the start prints what the README says', () => {
  const [expected] = blocks.filter(({ language }) => language === 'text')
  assert.ok(expected)
  assertPrinted(started, here(expected.text), `README.md, line ${expected.line}`)
})

test('the tour of the README prints what the README says, block by block', () =>
  takeTour({ page: 'README.md', steps, here, folder: top, env }))

test('the tour needs sh, curl, sed and npm only', () => {
  const commands = steps.map(({ block }) => block.text.replaceAll(/'[^']*'/g, '')).join('')
  const words = [...commands.matchAll(/(?:^|[|({])\s*([a-z]+)\b(?!\()/gm)].map(([, word]) => word)
  assert.deepEqual([...new Set(words)].sort(), ['curl', 'echo', 'field', 'npm', 'sed'])
})

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { settingRows } from 'gatewright/settings'
import { type Block, readBlocks, readDocument, top } from './markdown.ts'

/** The base that the README names; the tour runs on a free port instead. */
const writtenBase = 'http://localhost:3000'
const marker = '----- next block -----'

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

/** What is printed, as the README writes it: `…` is anything, and on a line of its own any lines. */
const toPattern = (expected: string): RegExp => {
  const patterns = expected
    .split('\n')
    .map(line => (line === '…' ? '(.*\n)*?' : `${line.split('…').map(RegExp.escape).join('.*')}\n`))
  return new RegExp(`^${patterns.join('')}$`)
}

const assertPrinted = (printed: string, { text: written, line }: Block): void => {
  const expected = written.replaceAll(writtenBase, baseOf()).trim()
  const actual = printed.trim()
  // Where they differ, the texts tell more than the pattern.
  if (!toPattern(expected).test(`${actual}\n`)) assert.equal(actual, expected, `README.md, line ${line}`)
}

const runInOneShell = async (commands: readonly string[]): Promise<readonly string[]> => {
  const shell = spawn('sh', ['-s'], { cwd: top, env, stdio: ['pipe', 'pipe', 'inherit'] })
  shell.stdin.end(commands.map(command => `${command}\nprintf '\\n%s\\n' '${marker}'\n`).join(''))
  const printed = await text(shell.stdout)
  return printed.split(marker).slice(0, commands.length)
}

const blocks = readBlocks(readDocument('README.md'))
/** The block right behind a block of commands says what they print. */
const steps = blocks.flatMap((block, at) =>
  block.language === 'sh' ? [{ block, after: blocks[at + 1] }] : [],
)

test('the start prints what the README says', () => {
  const [expected] = blocks.filter(({ language }) => language === 'text')
  assert.ok(expected)
  assertPrinted(started, expected)
})

test('the tour of the README prints what the README says, block by block', async () => {
  const commands = steps.map(({ block }) => block.text.replaceAll(writtenBase, baseOf()))
  const printed = await runInOneShell(commands)
  assert.equal(printed.length, steps.length)
  for (const [at, { block, after: next }] of steps.entries()) {
    if (next?.language === 'text') assertPrinted(printed[at] ?? '', next)
    else assert.equal(printed[at]?.trim(), '', `README.md, line ${block.line}`)
  }
})

test('the tour needs sh, curl, sed and npm only', () => {
  const commands = steps.map(({ block }) => block.text.replaceAll(/'[^']*'/g, '')).join('')
  const words = [...commands.matchAll(/(?:^|[|({])\s*([a-z]+)\b(?!\()/gm)].map(([, word]) => word)
  assert.deepEqual([...new Set(words)].sort(), ['curl', 'echo', 'field', 'npm', 'sed'])
})

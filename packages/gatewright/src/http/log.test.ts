import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLog } from './log.ts'

const openFile = async (t: TestContext, logLevel: 'info' | 'warn' | 'silent' = 'info') => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-log-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'logs', 'gatewright.log')
  const log = await openLog({ logLevel, logFormat: 'json', logFile: file })
  const read = (path = file): readonly Readonly<Record<string, unknown>>[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  return { ...log, file, read }
}

test('a line is one JSON object, also where its texts hold line breaks', async t => {
  const { logger, read } = await openFile(t)
  logger.info({ path: '/a\n{"level":"error","msg":"forged"}\r\n' }, 'first\nsecond')
  assert.equal(read().length, 1)
  assert.deepEqual(
    read().map(({ level, msg, path }) => ({ level, msg, path })),
    [{ level: 'info', msg: 'first\nsecond', path: '/a\n{"level":"error","msg":"forged"}\r\n' }],
  )
})

test('a line names neither the machine nor the process', async t => {
  const { logger, read } = await openFile(t)
  logger.info('line')
  assert.deepEqual(Object.keys(read()[0] ?? {}), ['level', 'time', 'msg'])
})

test('lines below the level are not written, and at silent none', async t => {
  const warn = await openFile(t, 'warn')
  for (const level of ['debug', 'info', 'warn', 'error'] as const) warn.logger[level](level)
  assert.deepEqual(
    warn.read().map(line => line.level),
    ['warn', 'error'],
  )
  const silent = await openFile(t, 'silent')
  silent.logger.fatal('unheard')
  assert.deepEqual(silent.read(), [])
})

test('after it was moved away and reopened the file is a new one, and no line is lost', async t => {
  const { logger, read, file, reopen } = await openFile(t)
  logger.info('before')
  const moved = `${file}.1`
  renameSync(file, moved)
  logger.info('between')
  assert.equal(existsSync(file), false)
  reopen()
  logger.info('after')
  const texts = (path?: string) => read(path).map(({ msg }) => msg)
  assert.deepEqual([texts(moved), texts()], [['before', 'between'], ['after']])
})

test('an earlier file is continued, not emptied', async t => {
  const first = await openFile(t)
  first.logger.info('earlier')
  const second = await openLog({ logLevel: 'info', logFormat: 'json', logFile: first.file })
  second.logger.info('later')
  assert.deepEqual(
    first.read().map(({ msg }) => msg),
    ['earlier', 'later'],
  )
})

test('a new log file can be read by its owner and group only, for it holds addresses', async t => {
  const { logger, file } = await openFile(t)
  logger.info('addresses of callers')
  assert.equal((statSync(file).mode & 0o777).toString(8), '640')
})

test('a file that can not be opened is refused when the log is opened', async t => {
  const { file } = await openFile(t)
  await assert.rejects(
    openLog({ logLevel: 'info', logFormat: 'json', logFile: join(file, 'below-a-file.log') }),
    /^SettingsError: LOG_FILE can not be written \((ENOTDIR|EEXIST)\): write /,
  )
})

test('to reopen where there is no file does nothing', async () => {
  for (const logFormat of ['json', 'pretty'] as const) {
    const { reopen } = await openLog({ logLevel: 'silent', logFormat, logFile: undefined })
    reopen()
  }
})

const missing = existsSync('/dev/full') ? undefined : 'this system has no /dev/full, which Linux has'

test('a disk that is full loses lines, and never the server', { skip: missing }, async t => {
  const { file } = await openFile(t)
  const [link, line] = [`${file}.link`, 'x'.repeat(10_000)]
  symlinkSync('/dev/full', link)
  const said: string[] = []
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0)
  const { logger, reopen } = await openLog({ logLevel: 'info', logFormat: 'json', logFile: link })
  for (let count = 0; count < 200; count += 1) logger.info(line)
  assert.equal(said.length, 1)
  assert.match(said[0] ?? '', /^gatewright: the log can't be written: ENOSPC/)
  rmSync(link)
  symlinkSync(file, link)
  reopen()
  logger.info('there is room')
  await new Promise(resolve => setImmediate(resolve))
  const [, lost] =
    /^gatewright: the log can be written again, (\d+) lines are lost\n$/.exec(said[1] ?? '') ?? []
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  assert.equal(lines.length + Number(lost), 201)
  assert.ok(lines.length > 90 && lines.length < 110, `${lines.length} waited in memory`)
})

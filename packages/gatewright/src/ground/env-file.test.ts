import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseEnvFile, readEnvFile } from './env-file.ts'

test('comments, quotes, blanks, "export", Windows line ends and a byte order mark are understood', () => {
  const { values, problems } = parseEnvFile(
    '\uFEFF# comment\r\nHOST=localhost # why\r\n\r\nexport PORT = 80\r\nAPP_NAME="My # app"\r\nTLS=\'off\'\r\nLOG_FILE=\r\n',
  )
  assert.deepEqual(
    { ...values },
    { HOST: 'localhost', PORT: '80', APP_NAME: 'My # app', TLS: 'off', LOG_FILE: '' },
  )
  assert.deepEqual(problems, [])
})

const unreadable = [
  'REGISTRATION: closed',
  'REGISTRATION closed',
  '=closed',
  'A="open',
  'A="x" y',
  'A B=c',
  '{"A": 1}',
]
for (const line of unreadable) {
  test(`a line that is not NAME=value is a problem and not skipped: ${line}`, () => {
    const { problems, values } = parseEnvFile(`# first\n${line}\nHOST=localhost\n`)
    assert.deepEqual(problems, ['line 2 is not a setting: write NAME=value on one line'])
    assert.deepEqual({ ...values }, { HOST: 'localhost' })
  })
}

test('a value over several lines is a problem that repeats nothing of it', () => {
  const { problems } = parseEnvFile('GATEWRIGHT_SECRET="hush\nhush2"\n')
  assert.equal(problems.length, 2)
  assert.doesNotMatch(problems.join(), /hush/)
})

test('a name given twice is a problem, for only one of the two would hold', () => {
  assert.deepEqual(parseEnvFile('PORT=1\nHOST=localhost\nPORT=2\n').problems, [
    'line 3 sets PORT again, after line 1: remove one',
  ])
})

test('names are reported even where JavaScript would swallow them', () => {
  assert.deepEqual(parseEnvFile('__proto__=1\nconstructor=2\n').names, ['__proto__', 'constructor'])
})

test('no file is no settings, and what is not a readable file is a problem', t => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-env-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'folder'))
  assert.deepEqual(readEnvFile(join(folder, 'absent')).problems, [])
  assert.deepEqual(readEnvFile(join(folder, 'folder')).problems, [
    'cannot be read (EISDIR): make it readable',
  ])
})

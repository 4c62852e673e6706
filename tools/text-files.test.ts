import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { top } from './top.ts'

/** Where people and machines keep a checkout: such a path works on one machine only. */
const homes = new RegExp(`(?<![\\w.~$)}%*-])/(${['home', 'root', 'work', 'Users'].join('|')})/[\\w.-]`)

const findFaults = (text: string): readonly string[] => [
  ...(text === '' || text.endsWith('\n') ? [] : ['the last line does not end. Add a newline']),
  ...text
    .split('\n')
    .flatMap((line, index) =>
      homes.test(line) ? `line ${index + 1}: a path of one machine. Write it relative to the repository` : [],
    ),
]

/** Everything that git tracks or would take, if this is a checkout. */
const listFiles = (): readonly string[] | undefined => {
  try {
    const options = { cwd: top, encoding: 'utf8', stdio: 'pipe', maxBuffer: 64 << 20 } as const
    const listed = execFileSync(
      'git',
      ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
      options,
    )
    return [...new Set(listed.split('\0'))].filter(path =>
      lstatSync(join(top, path), { throwIfNoEntry: false })?.isFile(),
    )
  } catch {
    return undefined
  }
}

const isBinary = (text: string): boolean => text.includes('\0')

test('every text file ends with a newline and names no path of one machine', t => {
  const files = listFiles()
  if (files === undefined) return t.skip('this is not a git checkout, so there is no list of its files')
  const faults = files.flatMap(path => {
    const text = readFileSync(join(top, path), 'utf8')
    return isBinary(text) ? [] : findFaults(text).map(fault => `${path}: ${fault}`)
  })
  assert.deepEqual(faults, [])
})

test('a path below a home is a fault wherever it stands in a line', () => {
  for (const home of ['home', 'root', 'work', 'Users'])
    for (const before of ['', 'cd ', '"', "'", '(', '=', 'file://'])
      assert.equal(findFaults(`\n${before}/${home}/alice\n`).length, 1, `${before}/${home}/alice`)
})

test('part of an address or of another path is none', () => {
  for (const before of ['https://example.com', '.', '~', `\${folder}`, '$HOME', 'src'])
    assert.deepEqual(findFaults(`${before}/home/page\n`), [], before)
})

test('a file without its last newline is a fault, and an empty file is none', () => {
  assert.equal(findFaults('a').length, 1)
  assert.deepEqual(findFaults(''), [])
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSources } from '../tools/sources.ts'
import { readDocument, top } from './markdown.ts'
import { listTitles } from './practices/test-titles.ts'
import { proofNames } from './proofs/table.ts'

const page = readDocument('docs/security/mutations.md')
const titles = listTitles(readSources())

/** What failed, by row. */
const rows = page
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| control |'))
  .map(line => line.slice(2, -2).split(' | '))

/** A title, or what is filled in behind it; a file; a proof. */
const isThere = (name: string): boolean => {
  const [, before = name] = /^(.*) \(.*\)$/.exec(name) ?? []
  const [, code = ''] = /`([^`]+)`$/.exec(before) ?? []
  if (before === `\`${code}\``) return existsSync(join(top, code))
  if (before === `the proof \`${code}\``) return proofNames.some(proof => proof.split('-')[0] === code)
  return titles.has(name) || titles.has(before)
}

test('every control that was taken out has a row of three: the control, how, and what failed', () => {
  assert.ok(rows.length > 100)
  for (const row of rows) {
    assert.equal(row.length, 3, row.join(' | '))
    for (const cell of row) assert.match(cell, /\S/)
  }
})

test('what failed is there: a test by its title, a file, a proof', () => {
  const names = rows.flatMap(row => row[2]?.split('; ') ?? [])
  assert.deepEqual(
    names.filter(name => !isThere(name)),
    [],
  )
})

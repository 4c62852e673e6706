import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSources } from '../tools/sources.ts'
import { readDocument, top } from './markdown.ts'
import { listTitles } from './practices/test-titles.ts'

const titles = listTitles(readSources())

const rows = readDocument('docs/faults.md')
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| fault |'))
  .map(line => line.slice(2, -2).split(' | '))

/** A title, or with what is filled in behind it; a file. */
const isThere = (name: string): boolean => {
  const [, before = name] = /^(.*) \([^()]*\)$/.exec(name) ?? []
  const [, file] = /^`([^`]+)`$/.exec(name) ?? []
  return file === undefined ? titles.has(name) || titles.has(before) : existsSync(join(top, file))
}

test('every fault has a promise, what was seen and a test', () => {
  assert.ok(rows.length >= 20)
  for (const row of rows) {
    assert.equal(row.length, 4, row.join(' | '))
    for (const cell of row) assert.match(cell, /\S/)
  }
})

test('every test of a fault is there, by its title or its file', () => {
  const names = rows.flatMap(row => row[3]?.split('; ') ?? [])
  assert.deepEqual(
    names.filter(name => !isThere(name)),
    [],
  )
})

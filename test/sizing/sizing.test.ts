import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDocument, readPart } from '../markdown.ts'
import { measureSizes } from './measure-sizes.ts'

const page = readDocument('docs/sizing.md')

/** The figures of the page for SQLite, by what they are of. */
const told = new Map(
  readPart(page, 'sizes')
    .split('\n')
    .filter(line => /^\| [a-z]/.test(line) && !line.startsWith('| one more'))
    .map(line => {
      const [, what = '', bytes = ''] = line.split('|').map(cell => cell.trim())
      return [what, Number(bytes.replaceAll(',', ''))] as const
    }),
)

/** Tables grow by pages of 4 KiB: among fewer rows one page more or less is a tenth of the figure. */
const rows = 600

test('what docs/sizing.md says of SQLite is what one more of each takes', async () => {
  const measured = await measureSizes(undefined, rows)
  assert.deepEqual([...told.keys()], Object.keys(measured))
  for (const [what, bytes] of Object.entries(measured)) {
    const ratio = bytes / (told.get(what) ?? Number.NaN)
    assert.ok(
      ratio > 0.75 && ratio < 1.33,
      `${what}: ${Math.round(bytes)} bytes, the page says ${told.get(what)}`,
    )
  }
})

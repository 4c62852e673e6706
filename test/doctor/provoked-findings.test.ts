import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSources } from '../../tools/sources.ts'
import { top } from '../markdown.ts'
import { listTitles } from '../practices/test-titles.ts'
import { provokedElsewhere } from './provoked-elsewhere.ts'

test('a finding that is provoked elsewhere is there, and so is the test that does', () => {
  const titles = listTitles(readSources())
  for (const [file, says, title] of provokedElsewhere) {
    const source = readFileSync(join(top, 'packages/gatewright/src/upkeep', file), 'utf8')
    assert.ok(source.includes(says), `${file}: ${says}`)
    assert.ok(titles.has(title), title)
  }
})

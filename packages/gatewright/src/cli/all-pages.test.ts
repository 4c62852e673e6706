import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAllPages } from './all-pages.ts'

test('all pages are read, in order, also where the last one is full', async () => {
  for (const count of [0, 1, 499, 500, 501, 1_000]) {
    const all = Array.from({ length: count }, (_, at) => at)
    const asked: number[] = []
    const read = await readAllPages(async ({ page, perPage }) => {
      asked.push(page)
      return all.slice((page - 1) * perPage, page * perPage)
    })
    assert.deepEqual(read, all)
    assert.equal(asked.length, Math.floor(count / 500) + 1)
  }
})

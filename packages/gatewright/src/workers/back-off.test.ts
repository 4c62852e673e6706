import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pauseAfter } from './back-off.ts'

test('the pause before a worker is started again doubles with each failure in a row, up to half a minute', () => {
  const seconds = [0, 1, 2, 3, 4, 5, 6, 7, 2_000].map(failures => pauseAfter(failures) / 1_000)
  assert.deepEqual(seconds, [0, 1, 2, 4, 8, 16, 30, 30, 30])
})

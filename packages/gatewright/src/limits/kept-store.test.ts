import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemRandom } from '../ground/random.ts'
import { keepStore } from './kept-store.ts'

test('a store that can be opened and answers nothing (full, read-only) is tried less and less often', async t => {
  let opened = 0
  const fail = () => Promise.reject(new Error('OOM command not allowed'))
  const store = keepStore({
    open: async () => {
      opened += 1
      return { take: fail, giveBack: fail, add: fail }
    },
    random: systemRandom,
  })
  t.after(store.close)
  const end = performance.now() + 2_500
  while (performance.now() < end) {
    await store.take([], 1).catch(() => {})
    await delay(5)
  }
  assert.ok(opened >= 2 && opened <= 6, `${opened} attempts`)
})

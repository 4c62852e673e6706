import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId, systemRandom } from '../ground/random.ts'
import { createCutOffSet } from './cut-off-set.ts'

const start = Date.UTC(2026, 10, 21, 12)

test('pruning ends once each kind was looked at, however many there are of the others', () => {
  const set = createCutOffSet({ readRoles: async () => [] })
  const row = { place: 1, version: 1, matters_until: start, created_at: 0 }
  for (const [kind, count] of Object.entries({ session: 70_000, user: 15_000, 'reread-user': 35_000 }))
    for (let n = 0; n < count; n++) set.add({ ...row, kind, subject: newId(systemRandom) })
  let calls = 1
  while (!set.prune(start - 1)) calls += 1
  assert.ok(calls <= 20, `${calls} calls`)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeeded } from '../sessions/seeded.ts'
import { proofs } from './table.ts'
import { newTally } from './tally.ts'

const runs = 3

for (const { says, prove } of Object.values(proofs))
  test(says, async t => {
    const tally = newTally()
    await prove({ owner: t, runs, seeded: createSeeded(t), tally })
    assert.deepEqual(tally.lost, [])
    assert.equal(tally.runs, runs)
    t.diagnostic(`${tally.answered} answered under load, ${tally.checked} facts found`)
  })

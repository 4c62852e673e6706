import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeeded } from '../sessions/seeded.ts'
import { proofs } from './table.ts'
import { newTally } from './tally.ts'

const runs = 3

/** The others have their own short forms (test/models). */
const kills = [proofs['kill-sqlite'], proofs['kill-postgres'], proofs['crash-postgres']]

for (const { says, prove } of kills)
  test(says, async t => {
    const tally = newTally()
    await prove({ owner: t, runs, seeded: createSeeded(t), tally })
    assert.deepEqual(tally.lost, [])
    assert.equal(tally.runs, runs)
    t.diagnostic(`${tally.answered} answered under load, ${tally.checked} facts found`)
  })

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeeded } from '../sessions/seeded.ts'
import { proveKills } from './kill-proof.ts'
import { proofs } from './table.ts'
import { newTally } from './tally.ts'

const runs = 3

for (const { says, open } of Object.values(proofs))
  test(says, async t => {
    const tally = newTally()
    await proveKills({ installation: await open(t), runs, seeded: createSeeded(t), tally })
    assert.deepEqual(tally.lost, [])
    assert.equal(tally.runs, runs)
    t.diagnostic(`${tally.answered} answered under load, ${tally.checked} facts found`)
  })

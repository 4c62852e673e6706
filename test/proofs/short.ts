import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeeded } from '../sessions/seeded.ts'
import { type ProofName, proofs } from './table.ts'
import { newTally } from './tally.ts'

/** The test that shows a proof with a few runs; `npm run proof` shows it with all. Those of models: test/models. */
export const testProof = (name: ProofName, runs: number): void => {
  const { says, prove } = proofs[name]
  test(says, async t => {
    const tally = newTally()
    await prove({ owner: t, runs, seeded: createSeeded(t), tally })
    assert.deepEqual([tally.lost, tally.stopped], [[], []])
    assert.equal(tally.runs, runs)
    assert.ok(tally.checked > 0)
    t.diagnostic([`${tally.answered} answered, ${tally.checked} facts found`, ...tally.notes].join('; '))
  })
}

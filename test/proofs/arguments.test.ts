import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseProofArguments } from './arguments.ts'
import { planChains } from './chains.ts'
import { proofNames } from './table.ts'

const parse = (...args: readonly string[]) => {
  const asked = parseProofArguments(args)
  return typeof asked === 'string' ? assert.fail(asked) : asked
}

describe('a call of the proofs is refused', () => {
  const calls: readonly (readonly string[])[] = [
    ['kill-everything'],
    ['kil'],
    ['-'],
    ['constructor'],
    ['--runs', '0'],
    ['--runs', '1e3'],
    ['--runs', ''],
    ['--runs'],
    ['--seed', '-1'],
    ['--seed', 'abc'],
    ['--sed', '1'],
  ]
  for (const call of calls)
    test(`proof ${call.join(' ')}`, () => {
      assert.equal(typeof parseProofArguments(call), 'string')
    })
})

test('without a name all proofs are called, with names those', () => {
  assert.deepEqual(parse().names, proofNames)
  assert.deepEqual(parse('kill-sqlite', '--runs', '3').names, ['kill-sqlite'])
  assert.deepEqual(parse('keys').names, ['keys-sqlite', 'keys-postgres'])
})

test('the seed of a chain repeats that chain', () => {
  const chains = planChains(parse('kill-sqlite', '--runs', '25', '--seed', '7'))
  assert.deepEqual(
    chains.map(({ runs, seed }) => [runs, seed]),
    [
      [10, 7],
      [10, 8],
      [5, 9],
    ],
  )
  const [again] = planChains(parse('kill-sqlite', '--runs', '10', '--seed', '8'))
  assert.deepEqual(again, chains[1])
})

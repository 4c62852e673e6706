import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { createSeeded } from '../sessions/seeded.ts'
import type { Met } from './history.ts'
import { pairs, playPair } from './pairs.ts'
import { openStage, type Stage } from './stage.ts'

const rounds = 3

let stage: Stage
before(async () => {
  stage = await openStage(testsDatabase.kind === 'postgres' ? 2 : 1)
})
after(() => stage.close())

test('sessions', async t => {
  const random = createSeeded(t)
  const met: Met = new Map()
  let n = 0
  for (let round = 0; round < rounds; round++)
    for (const pair of pairs) {
      n++
      await playPair(stage.processes, { ...pair, random, username: `user${n}`, met }).catch(error => {
        throw new Error(`seed ${random.seed}, ${n}: ${JSON.stringify(pair)}`, { cause: error })
      })
    }
  t.diagnostic(JSON.stringify(Object.fromEntries([...met].sort())))
  assert.ok(n > 0)
})

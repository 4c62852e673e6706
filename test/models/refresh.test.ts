import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { createSeeded } from '../sessions/seeded.ts'
import { playDevices } from './devices.ts'
import type { Met } from './history.ts'
import { openStage, type Stage } from './stage.ts'

const histories = testsDatabase.kind === 'postgres' ? 300 : 2_000

let stage: Stage
before(async () => {
  stage = await openStage(testsDatabase.kind === 'postgres' ? 2 : 1)
})
after(() => stage.close())

test(`refresh`, async t => {
  const random = createSeeded(t)
  const met: Met = new Map()
  for (let n = 0; n < histories; n++)
    await playDevices(stage.processes, { random, username: `user${n}`, met }).catch(error => {
      throw new Error(`seed ${random.seed}, history ${n}`, { cause: error })
    })
  t.diagnostic(JSON.stringify(Object.fromEntries([...met].sort())))
  assert.ok(true)
})

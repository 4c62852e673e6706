import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { createSeeded } from '../sessions/seeded.ts'
import { type ModelName, runModel } from './models.ts'
import { openStage } from './stage.ts'

type Short = {
  /** How many histories on each database. */
  readonly histories: Readonly<Record<typeof testsDatabase.kind, number>>
  /** What must have happened at least once. */
  readonly meets: readonly string[]
}

/** On PostgreSQL two processes share the histories, many at once; SQLite has one writer anyhow. */
const ways = { sqlite: { processes: 1, atOnce: 4 }, postgres: { processes: 2, atOnce: 16 } } as const

/** What happens in a few of a run's histories happens by chance in none of them, once in some thousand runs. */
const mostRuns = 5

/** Plays a model in short, again where something did not happen; `npm run proof` plays it in full. */
export const playShort = async (
  t: TestContext,
  name: ModelName,
  { histories, meets }: Short,
): Promise<void> => {
  const { kind } = testsDatabase
  const { seed } = createSeeded(t)
  const { processes, atOnce } = ways[kind]
  const stage = await openStage(processes)
  t.after(() => stage.close())
  let left = meets
  for (let run = 0; run < mostRuns && (run === 0 || left.length > 0); run++) {
    const play = { seed: seed + run, histories: histories[kind], atOnce }
    const { lost, met, calls } = await runModel(stage, name, play)
    t.diagnostic(`${calls} calls: ${JSON.stringify(Object.fromEntries([...met].sort()))}`)
    assert.deepEqual(lost, [])
    left = left.filter(what => !met.has(what))
  }
  assert.deepEqual(left, [], 'these never happened')
}

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

/** Plays a model in short; `npm run proof` plays it in full. */
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
  const { lost, met, calls } = await runModel(stage, name, { seed, histories: histories[kind], atOnce })
  t.diagnostic(`${calls} calls: ${JSON.stringify(Object.fromEntries([...met].sort()))}`)
  assert.deepEqual(lost, [])
  for (const what of meets) assert.ok(met.has(what), `${what} never happened`)
}

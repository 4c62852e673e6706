import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { newFolder, type Program, startProgram } from '../process/spawned-server.ts'
import { until, within } from '../process/until.ts'

const rows = 12_000
const kills = 3

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const startKeeper = (folder: ReturnType<typeof newFolder>): Program => {
  const { databaseUrl, gatewrightSecret = [] } = t.engine.settings
  const file = join(import.meta.dirname, 'keeper.ts')
  return startProgram(folder, { file, args: [databaseUrl, ...gatewrightSecret] })
}

const batchesOf = (program: Program): readonly number[] =>
  program.stdout().split('\n').filter(Boolean).map(Number)

const makeWork = async (): Promise<void> => {
  for (let from = 0; from < rows; from += 1_000)
    await t.engine.db
      .insertInto('reserved_usernames')
      .values(Array.from({ length: 1_000 }, (_, n) => ({ username_hash: `h${from + n}`, until: from + n })))
      .execute()
}

test('of eight processes one is at it at a time; killed at any moment, another goes on and nothing is counted twice', async context => {
  const folder = newFolder(context)
  await makeWork()
  const keepers = Array.from({ length: 8 }, () => startKeeper(folder))
  const killed: Program[] = []
  while (killed.length < kills) {
    const alive = keepers.filter(keeper => !killed.includes(keeper))
    const working = () => alive.find(keeper => batchesOf(keeper).length > 3)
    await until('one is at work', () => working() !== undefined, 60_000)
    const holder = working() as Program
    holder.kill('SIGKILL')
    await holder.ended
    killed.push(holder)
  }
  const ending = keepers.filter(keeper => !killed.includes(keeper)).map(({ ended }) => ended)
  for (const { code } of await within(90_000, 'all work is done', Promise.all(ending))) assert.equal(code, 0)

  const done = keepers.flatMap((keeper, n) => batchesOf(keeper).map(at => ({ n, at })))
  done.sort((one, other) => one.at - other.at)
  const changes = done.filter(({ n }, index) => index > 0 && n !== done[index - 1]?.n).length
  assert.ok(changes >= kills, 'others took over')
  // One that stands still for the length of a lease loses it as well.
  assert.ok(changes <= kills + 1, `${changes} changes: they were at it together`)
  const record = await t.engine.db
    .selectFrom('housekeeping')
    .selectAll()
    .where('task', '=', 'reserved_usernames')
    .executeTakeFirstOrThrow()
  assert.equal(record.worked_off, rows)
  assert.equal((await t.engine.db.selectFrom('reserved_usernames').selectAll().execute()).length, 0)
})

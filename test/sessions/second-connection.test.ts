import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { openSecondConnection, type SecondConnection } from './second-connection.ts'

let t: TestApp
let second: SecondConnection
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})

const writes = {
  'a statement': () => second.run('update installation set secret_id = secret_id'),
  'a lock': async () => (await second.holdWrites('installation'))(),
} as const

/** As the beat of a process writes by itself: begun in one turn of this thread, and committed in a later one. */
const writeByItself = async (begun: () => void, log: string[]): Promise<void> => {
  await t.engine.db.transaction().execute(async work => {
    await work.updateTable('processes').set({ host: 'here' }).execute()
    begun()
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    log.push('the engine has written')
  })
}

for (const [name, write] of Object.entries(writes))
  test(`${name} of the second connection waits for what the engine of this process is writing`, {
    skip: testsDatabase.kind === 'postgres' && 'there a writer locks rows, and not the database',
  }, async () => {
    const log: string[] = []
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const writing = writeByItself(begin, log)
    await begun
    await write()
    log.push('it has written')
    await writing
    assert.deepEqual(log, ['the engine has written', 'it has written'])
  })

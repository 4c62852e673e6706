import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { createExecute } from './sqlite-connection.ts'
import { isBusy } from './sqlite-failure.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-held-'))
after(() => rmSync(folder, { recursive: true }))

/** Without WAL, so that whoever writes holds up those who read, as who recovers a log does with it. */
const openHeld = (name: string) => {
  const file = join(folder, name)
  const holder = new DatabaseSync(file)
  holder.exec('create table counts (value integer) strict; insert into counts values (7)')
  const reader = new DatabaseSync(file, { timeout: 0 })
  return { holder, reader, execute: createExecute(reader) }
}

/** `undefined` as long as it has not ended. */
const outcomeOf = (reading: Promise<unknown>): (() => string | undefined) => {
  let outcome: string | undefined
  reading.then(
    () => {
      outcome = 'read'
    },
    () => {
      outcome = 'refused'
    },
  )
  return () => outcome
}

test('a connection that only reads is as patient behind the second lock as it was behind the first', {
  timeout: 30_000,
}, async () => {
  const { holder, reader, execute } = openHeld('twice')
  const read = () => execute<{ value: number }>({ sql: 'select value from counts', parameters: [] })
  holder.exec('begin exclusive')
  await assert.rejects(read(), isBusy)
  const atOnce = outcomeOf(read())
  await new Promise(setImmediate)
  assert.equal(atOnce(), 'refused', 'it used up its patience, and has it back behind the same lock')
  holder.exec('rollback')
  assert.equal((await read()).rows.length, 1)

  holder.exec('begin exclusive')
  const reading = read()
  const outcome = outcomeOf(reading)
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  assert.equal(outcome(), undefined)
  holder.exec('rollback')
  assert.equal((await reading).rows[0]?.value, 7)
  holder.close()
  reader.close()
})

import { describe, test } from 'node:test'
import { newTestDatabase } from '../database.ts'
import { deaths, judgeKilled, killOnce } from './kill.ts'

/** Fewer than are handed over at once, so that what is at the same step dies together. */
const recipients = ['ann@example.org', 'bob@example.org']

describe('a process that sends mail, killed', { concurrency: 2 }, () => {
  for (const death of deaths)
    test(`at the step "${death}": nothing is lost, and nothing comes twice without need`, async t => {
      const database = await newTestDatabase()
      t.after(database.drop)
      judgeKilled(await killOnce(database.url, death, recipients), death, recipients)
    })
})

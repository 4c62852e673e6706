import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newSecret, systemRandom } from 'gatewright/random'
import { defaultSettings } from 'gatewright/settings'
import { newMigratedDatabase } from '../database.ts'
import { openSecondConnection } from '../sessions/second-connection.ts'
import type { Life } from './raising-process.ts'

const file = fileURLToPath(new URL('raising-process.ts', import.meta.url))

const live = async (context: TestContext, life: Life) => {
  const child = fork(file, [JSON.stringify(life)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  context.after(() => child.kill('SIGKILL'))
  await once(child, 'message')
  return {
    go: async (): Promise<number> => {
      const done = once(child, 'message')
      child.send('go')
      const [raised] = await done
      return Number(raised)
    },
  }
}

const numbered = (word: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${word}-${n}`)

test('of two processes that see the same at once one raises it, whichever, and what they see adds up', async context => {
  const database = await newMigratedDatabase()
  context.after(database.drop)
  const secret = newSecret(systemRandom)
  const life = { databaseUrl: database.url, secret, subjects: numbered('subject', 30) }
  // Neither of them alone has fifteen.
  const lives = [numbered('one', 10), numbered('two', 10)].map(names => ({ ...life, names }))
  const [one, other] = await Promise.all(lives.map(each => live(context, each)))
  const counts = await Promise.all([one?.go(), other?.go()])
  const second = openSecondConnection({
    settings: defaultSettings({ databaseUrl: database.url }),
  })
  context.after(() => second.close())
  const eventsOf = (event: string) => second.rows('select * from audit_events where event = ?', event).length
  assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), 30)
  assert.equal(eventsOf('unusual.many-failures'), 30)
  assert.equal(eventsOf('unusual.one-password-many-users'), 1)
  assert.equal(eventsOf('unusual.many-users-one-address'), 1)
  // One at once, and one for all that came after it.
  const digests = second.rows(
    "select due_at, created_at from mails where kind = 'unusual-digest' order by due_at",
  )
  const waits = digests.map(row => (Number(row.due_at) > Number(row.created_at) ? 'later' : 'now'))
  assert.deepEqual(waits, ['now', 'later'])
})

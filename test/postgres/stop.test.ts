import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newFolder, password, type Server, startServer } from '../process/spawned-server.ts'
import { until, within } from '../process/until.ts'
import { hangingApp } from './hanging-app.ts'
import { addDatabase, openServer, query } from './query.ts'
import { secret } from './real-app.ts'

/**
 * What a supervisor waits before it kills, as Docker does, and docs/postgresql.md promises to be done by: 10 s.
 * It is done after nine; a loaded test machine gets a little more.
 */
const patience = 13_000

let server: Awaited<ReturnType<typeof openServer>>
before(async () => {
  server = await openServer()
})
after(() => server.stop())

type Holder = (server: Server) => Promise<unknown>

const holders: Readonly<Record<'a request' | 'a hook', Holder>> = {
  // It is never answered: its connection is cut at the end.
  'a request': async ({ call }) => void call('GET', '/hang').catch(() => {}),
  'a hook': ({ call }) => call('POST', 'register', { body: { username: 'alice', password } }),
}

describe('SIGTERM ends a process in 10 s, well, and its connections, although', { concurrency: true }, () => {
  const rows = [['a request'], ['a hook'], ['a request', 'a hook']] as const
  for (const row of rows)
    test(`${row.join(' and ')} keeps a transaction open for ever`, async t => {
      const url = await addDatabase(server.url)
      const env = { DATABASE_URL: url, GATEWRIGHT_SECRET: secret }
      const program = await startServer(newFolder(t), { file: hangingApp, env })
      for (const holder of row) {
        await holders[holder](program)
        await until(`${holder} hangs`, () => program.stdout().includes(`${holder} hangs`))
      }
      const from = performance.now()
      program.kill('SIGTERM')
      const ending = await within(patience, 'the process ends', program.ended)
      t.diagnostic(`ended ${(performance.now() - from).toFixed(0)} ms after SIGTERM`)
      assert.deepEqual([ending, program.stderr()], [{ code: 0, signal: null }, ''])
      const ours = `select from pg_stat_activity where datname = current_database() and application_name = 'gatewright'`
      await until('no connection is left', async () => (await query(url, ours)).length === 0, 5_000)
    })
})

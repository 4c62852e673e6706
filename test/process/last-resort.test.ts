import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startWorkers } from '../workers/start-workers.ts'
import { canary, failingApp as file } from './failing-app.ts'
import { newFolder, type Server, startServer, toLines } from './spawned-server.ts'
import { until, within } from './until.ts'

const env = { LOG_FORMAT: 'json' }
const patience = 13_000

type Line = Readonly<Record<string, unknown>>

/** What the log says of a mistake: one line with the stack, and nothing that it did not choose. */
const assertTold = (lines: readonly Line[], message: RegExp, origin: string): void => {
  const told = lines.filter(({ level }) => level === 'fatal')
  assert.equal(told.length, 1)
  assert.equal(told[0]?.origin, origin)
  const { stack = '' } = (told[0]?.err ?? {}) as { readonly stack?: string }
  assert.match(stack, message)
  assert.match(stack, /\n {4}at /)
  assert.doesNotMatch(JSON.stringify(lines), new RegExp(canary))
}

const endOf = async (server: Server) => {
  const ending = await within(patience, 'the server ends', server.ended)
  assert.equal(server.stderr(), '', 'the log alone tells it')
  return ending
}

describe('what nobody catches', { concurrency: true }, () => {
  const mistakes = {
    exception: [/TypeError: a mistake outside of requests/, 'uncaughtException'],
    text: [/something that is no error was thrown/, 'unhandledRejection'],
  } as const
  for (const [name, [message, origin]] of Object.entries(mistakes))
    test(`ends the process in good order, with one line of the log: ${name}`, async t => {
      const server = await startServer(newFolder(t), { env, file })
      const inFlight = await server.call('GET', `/${name}`)
      assert.equal(inFlight.status, 200, 'what is in flight is answered')
      assert.deepEqual(await endOf(server), { code: 1, signal: null })
      assertTold(toLines(server.stdout()), message, origin)
    })

  test('and goes on and on ends the process all the same, and fills no log', async t => {
    const server = await startServer(newFolder(t), { env, file })
    assert.equal((await server.call('GET', '/endless')).status, 200)
    assert.deepEqual(await endOf(server), { code: 1, signal: null })
    const fatal = toLines(server.stdout()).filter(({ level }) => level === 'fatal')
    assert.ok(fatal.length > 1 && fatal.length <= 10, String(fatal.length))
  })

  test('ends one worker, which is replaced while the other serves', async t => {
    const workers = await startWorkers(t, newFolder(t), 2, { env, file })
    const [first, second] = await workers.openDoors()
    assert.ok(first && second)
    await first.call('GET', '/rejection')
    const isReplaced = async () => {
      assert.equal((await second.call('GET', '/healthz')).status, 200)
      return !workers.pids().includes(first.pid)
    }
    await until('the worker is replaced', isReplaced)
    assertTold(workers.log(), /TypeError: a mistake outside of requests/, 'unhandledRejection')
    assert.equal(workers.said('a worker ended, and is replaced')[0]?.exit_code, 1)
    await workers.stop()
  })
})

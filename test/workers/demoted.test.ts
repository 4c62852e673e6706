import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { type Caller, commandLine, newFolder, runToEnd, signUp } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import { type Door, startWorkers } from './start-workers.ts'

/** mechanisms.md: p99 100 ms between processes on SQLite. A loaded test machine gets ten times that. */
const longest = 1_000

type Headers = Readonly<Record<string, string>>

const statusAt = async ({ call }: Pick<Door, 'call'>, headers: Headers): Promise<number> =>
  (await call('GET', 'admin/settings', { headers })).status

test('a demotion, and a role that allows less, hold at once in both workers, and in those that come in their place', async t => {
  const folder = newFolder(t)
  const workers = await startWorkers(t, folder, 2)
  const [chief, mallory, rita] = [
    await signUp(workers, 'chief'),
    await signUp(workers, 'mallory'),
    await signUp(workers, 'rita'),
  ]
  const command = { file: commandLine, args: ['user', 'role', 'chief', 'admin'] }
  assert.equal((await runToEnd(folder, command)).code, 0)
  const [first, second] = await workers.openDoors()
  assert.ok(first && second)
  const doors = [first, second]

  const manage = async (door: Door, method: string, path: string, body: object) => {
    const answer = await door.call(method, path, { token: chief.access, body })
    assert.ok(answer.status < 300, answer.text)
    return answer
  }
  await manage(first, 'POST', 'admin/roles', { name: 'overseer', permissions: ['settings:read'] })
  await manage(first, 'PUT', `admin/users/${mallory.id}/roles`, { roles: ['admin'] })
  await manage(first, 'PUT', `admin/users/${rita.id}/roles`, { roles: ['overseer'] })

  /** A token and an API key, which both workers have in their memories. */
  const takeCredentials = async ({ access }: Caller): Promise<readonly Headers[]> => {
    const body = { name: 'settings', permissions: ['settings:read'] }
    const made = await first.call('POST', 'api-keys', { token: access, body })
    assert.equal(made.status, 201, made.text)
    const shown = [{ authorization: `Bearer ${access}` }, { 'x-api-key': made.field('key') }]
    for (const door of doors)
      for (const headers of shown)
        await until('it is let in', async () => (await statusAt(door, headers)) === 200, longest)
    return shown
  }
  const held = { mallory: await takeCredentials(mallory), rita: await takeCredentials(rita) }
  const all = Object.values(held).flat()

  const holdsAt = async (here: Door, elsewhere: Door, shown: readonly Headers[]): Promise<void> => {
    for (const headers of shown) assert.equal(await statusAt(here, headers), 403)
    for (const headers of shown)
      await until('the other knows', async () => (await statusAt(elsewhere, headers)) === 403, longest)
  }
  await manage(first, 'PUT', `admin/users/${mallory.id}/roles`, { roles: ['user'] })
  await holdsAt(first, second, held.mallory)
  await manage(second, 'PATCH', 'admin/roles/overseer', { permissions: [] })
  await holdsAt(second, first, held.rita)

  /** Over connections of their own, so that a worker that has just come is asked this before anything else. */
  const askUntil = async (isDone: () => boolean): Promise<void> => {
    let asked = 0
    const ask = async (headers: Headers): Promise<void> => {
      const agent = new Agent()
      const call: Door['call'] = (method, path, outgoing) =>
        workers.call(method, path, { ...outgoing, agent })
      // While nobody listens, nobody answers.
      const status = await statusAt({ call }, headers).catch(() => 'no answer')
      assert.ok(status === 403 || status === 'no answer', String(status))
      asked += 1
    }
    await until(
      'they are replaced',
      async () => {
        for (const headers of all) await ask(headers)
        return isDone()
      },
      60_000,
    )
    t.diagnostic(`${asked} requests meanwhile`)
  }
  // A connection that the parent gives to a worker which is dead already is answered by nobody.
  const hasEnded = (pid: number): boolean =>
    workers.said('a worker ended, and is replaced').some(({ worker_pid }) => worker_pid === pid)
  // The one that answered, and then both at once: nobody is left who remembers.
  for (const findKilled of [() => [first.pid], workers.pids]) {
    const killed = findKilled()
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await until('the parent knows', () => killed.every(hasEnded))
    await askUntil(() => !workers.pids().some(pid => killed.includes(pid)))
  }
  for (const door of doors) door.close()
  const after = await workers.openDoors()
  for (const door of after) for (const headers of all) assert.equal(await statusAt(door, headers), 403)
  for (const door of after) door.close()
  await workers.stop()
})

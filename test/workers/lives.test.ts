import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import {
  commandLine as file,
  newFolder,
  password,
  runToEnd,
  type Start,
  signIn,
  signUp,
  startProgram,
  startServer,
  toLines,
} from '../process/spawned-server.ts'
import { until, within } from '../process/until.ts'
import { isRunning, listChildren, startWorkers, type Workers } from './start-workers.ts'
import { waitingApp } from './waiting-app.ts'

const patience = 10_000

const untilReplaced = (workers: Workers, pid: number): Promise<number> =>
  until(`${pid} is replaced`, () => !workers.pids().includes(pid), 30_000)
const untilNoneRuns = (pids: readonly number[]): Promise<number> =>
  until('no worker is left', () => !pids.some(isRunning), patience)

/** A client that has sent the first part of a body. */
type Upload = { readonly finish: () => void; readonly received: () => string }

const beginUpload = async ({ port }: Workers, username: string): Promise<Upload> => {
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  const body = JSON.stringify({ username, password })
  const head = `POST /api/v1/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
  // The worker has the head for sure once it has answered something before it.
  socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n${head}\r\n\r\n${body[0]}`)
  await until('the request before is answered', () => text.includes('"up"'))
  return { finish: () => socket.write(body.slice(1)), received: () => text }
}

const isStopping = ({ stdout }: Workers): boolean =>
  /SIGTERM: the workers finish what is in flight/.test(stdout())

describe('a worker', { concurrency: true }, () => {
  test('that is killed is replaced, and the others answer meanwhile', async t => {
    const workers = await startWorkers(t, newFolder(t), 2)
    const caller = await signUp(workers, 'alice')
    const [first, second] = await workers.openDoors()
    assert.ok(first && second)
    process.kill(first.pid, 'SIGKILL')
    let answered = 0
    const isDone = async () => {
      assert.equal((await second.call('GET', 'protected', { token: caller.access })).status, 200)
      answered += 1
      return !workers.pids().includes(first.pid)
    }
    await until('it is replaced', isDone, 30_000)
    t.diagnostic(`${answered} answers meanwhile`)
    for (const door of await workers.openDoors())
      assert.equal((await door.call('GET', 'protected', { token: caller.access })).status, 200)
    const [line] = workers.said('a worker ended, and is replaced')
    assert.deepEqual([line?.level, line?.worker_pid, line?.signal], ['error', first.pid, 'SIGKILL'])
    await workers.stop()
  })

  test('that is told to end by itself finishes, and is replaced', async t => {
    const workers = await startWorkers(t, newFolder(t), 2)
    const [pid = 0] = workers.pids()
    process.kill(pid, 'SIGTERM')
    await untilReplaced(workers, pid)
    assert.equal(workers.said('a worker ended, and is replaced')[0]?.exit_code, 0)
    await workers.stop()
  })

  test('that can not start is tried again after growing pauses, and serves when the cause is gone', async t => {
    const folder = newFolder(t)
    const workers = await startWorkers(t, folder, 2)
    const [pid = 0, other] = workers.pids()
    writeFileSync(join(folder.path, '.env'), 'REGISTRATION=perhaps\n')
    process.kill(pid, 'SIGKILL')
    const failed = 'a worker ended before it was ready'
    await until('it fails three times', () => workers.said(failed).length >= 3, 60_000)
    assert.match(
      workers.stderr(),
      /^gatewright: REGISTRATION in \.env is not valid: write one of open, invite, closed$/m,
    )
    assert.equal((await workers.call('GET', '/readyz')).status, 200)
    rmSync(join(folder.path, '.env'))
    await untilReplaced(workers, pid)
    const [first = 0, second = 0, third = 0] = workers.said(failed).map(({ time }) => Number(time))
    assert.ok(third - second > second - first, `${second - first} ms, then ${third - second} ms`)
    assert.ok(second - first >= 1_000)
    assert.equal(workers.pids().includes(other ?? 0), true)
    await workers.stop()
  })
})

describe('a restart', { concurrency: true }, () => {
  test('whose new worker does not start leaves the former ones, and says so', async t => {
    const folder = newFolder(t)
    const workers = await startWorkers(t, folder, 2)
    const former = workers.pids()
    writeFileSync(join(folder.path, '.env'), 'LIMITS=perhaps\n')
    workers.kill('SIGUSR2')
    const givenUp = /restart: given up, for the new worker did not start/
    await until('it is given up', () => givenUp.test(workers.stdout()), 30_000)
    assert.deepEqual(workers.pids(), former)
    for (const door of await workers.openDoors()) {
      assert.equal((await door.call('GET', '/readyz')).status, 200)
      door.close()
    }
    assert.deepEqual(workers.said('a worker ended, and is replaced'), [])
    rmSync(join(folder.path, '.env'))
    await workers.restart()
    assert.equal(
      workers.pids().some(pid => former.includes(pid)),
      false,
    )
    await workers.stop()
  })

  test('lets a request finish that a former worker has begun, and closes a connection with its next answer', async t => {
    const workers = await startWorkers(t, newFolder(t), 2)
    const caller = await signUp(workers, 'alice')
    const doors = await workers.openDoors()
    const restart = workers.restart()
    restart.catch(() => {})
    const [door] = doors
    assert.ok(door)
    const retiring = 'restart: connections end with their next answer'
    await until('the first retires', () => workers.said(retiring).some(({ pid }) => pid === door.pid), 30_000)
    const answer = await door.call('GET', 'protected', { token: caller.access })
    assert.deepEqual([answer.status, answer.headers.connection], [200, 'close'])
    assert.equal(await workers.findPid(answer), door.pid)
    await until('it has ended', () => !isRunning(door.pid))
    for (const each of doors) each.close()
    await restart
    await workers.stop()
  })

  test('of a server without workers is refused in a line, and it goes on', async t => {
    const server = await startServer(newFolder(t))
    server.kill('SIGUSR2')
    await until('it says so', () => /SIGUSR2: nothing is restarted, for WORKERS is 1/.test(server.stdout()))
    assert.equal((await server.call('GET', '/readyz')).status, 200)
    await server.stop()
  })
})

describe('the parent', { concurrency: true }, () => {
  test('that is killed takes its workers with it, and the port is free', async t => {
    const folder = newFolder(t)
    const workers = await startWorkers(t, folder, 2)
    await signUp(workers, 'alice')
    const pids = workers.pids()
    workers.kill('SIGKILL')
    const after = await untilNoneRuns(pids)
    t.diagnostic(`the workers had ended ${after.toFixed(0)} ms after it`)
    await workers.ended
    const again = await startWorkers(t, folder, 2, { env: { PORT: String(workers.port) } })
    await signIn(again, 'alice')
    await again.stop()
  })

  test('finishes what is in flight after SIGTERM, and leaves nobody behind', async t => {
    const workers = await startWorkers(t, newFolder(t), 2)
    const pids = workers.pids()
    const uploads = [await beginUpload(workers, 'ann'), await beginUpload(workers, 'ben')]
    workers.kill('SIGTERM')
    const haveStopped = () => workers.said('stop: finishing what is in flight').length === 2
    await until('both workers stop', haveStopped)
    for (const { finish } of uploads) finish()
    assert.equal((await within(patience, 'the parent ends', workers.ended)).code, 0)
    for (const { received } of uploads) assert.match(received(), /HTTP\/1\.1 201 /)
    assert.equal(pids.some(isRunning), false)
    assert.equal(workers.stderr(), '')
  })

  test('is not held longer than 10 s by clients that never finish, and not at all by a second signal', async t => {
    const [slow, hasty] = await Promise.all([1, 2].map(() => startWorkers(t, newFolder(t), 2)))
    assert.ok(slow && hasty)
    for (const workers of [slow, hasty]) await beginUpload(workers, 'never')
    const from = performance.now()
    for (const workers of [slow, hasty]) workers.kill('SIGTERM')
    await until('it stops', () => isStopping(hasty))
    const pressed = setInterval(() => hasty.kill('SIGTERM'), 100)
    const { code } = await within(patience, 'it ends', hasty.ended)
    clearInterval(pressed)
    const soon = performance.now() - from
    assert.equal((await within(patience, 'it ends', slow.ended)).code, 0)
    const late = performance.now() - from
    t.diagnostic(`${soon.toFixed(0)} ms with a second signal, ${late.toFixed(0)} ms without`)
    assert.ok(code === 1 && soon < late && late < patience)
    for (const workers of [slow, hasty]) assert.equal(workers.pids().some(isRunning), false)
  })

  /** Two workers that log into a file. */
  const startLogging = async (t: TestContext, start: Start = {}) => {
    const folder = newFolder(t)
    const name = join(folder.path, 'server.log')
    const server = await startServer(folder, { ...start, env: { WORKERS: '2', LOG_FILE: name } })
    const list = () => toLines(readFileSync(name, 'utf8').replace(/[^\n]*$/, ''))
    const has = (msg: string) => list().some(line => line.msg === msg)
    const moveAway = async () => {
      renameSync(name, `${name}.1`)
      server.kill('SIGHUP')
      await until('a new file is there', () => readdirSync(folder.path).includes('server.log'))
    }
    const hasLogged = async () => {
      await server.call('GET', '/healthz', { agent: new Agent() })
      return new Set(list().flatMap(({ request_id, pid }) => (request_id ? [pid] : []))).size === 2
    }
    return { folder, server, list, has, moveAway, hasLogged }
  }

  test('has the log file opened again by all, after SIGHUP', async t => {
    const { server, has, moveAway, hasLogged } = await startLogging(t)
    await until('all are ready', () => has('all workers are ready'))
    await moveAway()
    await until('both write into the new file', hasLogged)
    await server.stop()
  })

  test('has the log file opened again by one that starts', async t => {
    const { folder, server, has, moveAway, hasLogged } = await startLogging(t, { file: waitingApp })
    await until('the second waits', () => readdirSync(folder.path).includes('waits'))
    await moveAway()
    await until('it is ready', () => has('all workers are ready'))
    assert.equal(has('a worker ended before it was ready'), false)
    await until('both write into the new file', hasLogged)
    await server.stop()
  })

  test('has the log file opened again by one that retires', async t => {
    const { server, list, has, moveAway } = await startLogging(t)
    await until('all are ready', () => has('all workers are ready'))
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const knock = async () => {
      const { headers } = await server.call('GET', '/healthz', { agent })
      return () => list().find(({ request_id }) => request_id === headers['x-request-id'])?.pid
    }
    const find = await knock()
    await until('it is logged', () => find() !== undefined)
    const pid = find()
    server.kill('SIGUSR2')
    const retires = /^restart: connections end/
    await until('it retires', () => list().some(line => line.pid === pid && retires.test(String(line.msg))))
    await moveAway()
    const findAgain = await knock()
    await until('it writes into the new file', () => findAgain() === pid)
    await server.stop()
  })
})

describe('a start with workers', { concurrency: true }, () => {
  const refused = async (
    t: Parameters<typeof newFolder>[0],
    env: Record<string, string>,
    ...args: string[]
  ) => {
    const { code, stdout, stderr } = await runToEnd(newFolder(t), {
      env,
      ...(args.length > 0 && { file, args }),
    })
    return { code, stdout, lines: stderr.trimEnd().split('\n') }
  }

  for (const wrong of ['0', 'all'])
    test(`is refused where WORKERS is ${wrong}, with what to write`, async t => {
      const { code, lines } = await refused(t, { WORKERS: wrong })
      assert.deepEqual(
        [code, lines],
        [
          1,
          [
            'gatewright: WORKERS in the environment is not valid: write a whole number from 1 to 256, or auto for one on each core',
          ],
        ],
      )
    })

  test('ends with the line of the setting that is wrong, once', async t => {
    const { code, stdout, lines } = await refused(t, { WORKERS: '3', DATABASE_URL: 'sqlite:.' })
    assert.deepEqual([code, stdout, lines.length], [1, '', 1])
    assert.match(lines[0] ?? '', /^gatewright: the database of DATABASE_URL can't be opened: /)
  })

  test('says in one line that the port is taken, or as JSON', async t => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    t.after(() => void other.close())
    const { port } = other.address() as { port: number }
    const env = { WORKERS: '3', PORT: String(port) }
    const [told, json] = await Promise.all([refused(t, env), refused(t, env, 'serve', '--json')])
    assert.deepEqual([told.code, told.stdout, told.lines.length], [1, '', 1])
    assert.match(told.lines[0] ?? '', new RegExp(`^gatewright: PORT ${port} is taken by another program: `))
    assert.equal(json.code, 1)
    assert.equal(JSON.parse(json.stdout).code, 'settings_invalid')
  })

  test('ends after SIGTERM although no worker is ready yet, and leaves nobody behind', async t => {
    const folder = newFolder(t)
    const program = startProgram(folder, { env: { WORKERS: '2' } })
    await until('the first worker is there', () => listChildren(program.pid).length > 0, patience)
    const [worker = 0] = listChildren(program.pid)
    program.kill('SIGTERM')
    const { code } = await within(patience, 'the parent ends', program.ended)
    assert.equal(code, 0, program.stderr())
    assert.equal(isRunning(worker), false)
    assert.doesNotMatch(program.stdout(), /Health/)
  })

  test('of gatewright serve prints its addresses once, and serves by all of them', async t => {
    const workers = await startWorkers(t, newFolder(t), 2, { file, args: ['serve'] })
    assert.equal((await workers.openDoors()).length, 2)
    assert.equal([...workers.stdout().matchAll(/API: /g)].length, 1)
    assert.equal([...workers.stdout().matchAll(/First administrator: /g)].length, 1)
    assert.match(workers.stdout(), /Workers: 2 share the port/)
    await workers.stop()
  })
})

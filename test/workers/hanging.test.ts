import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { newFolder, type Program, startProgram, toLines } from '../process/spawned-server.ts'
import { until, within } from '../process/until.ts'
import { type Hanging, hangingWorkers } from './hanging-workers.ts'
import { isRunning } from './start-workers.ts'

const never = 600_000

type Hung = Program & {
  readonly said: (text: string) => readonly Readonly<Record<string, unknown>>[]
  readonly untilSaid: (text: string) => Promise<number>
}

const start = (t: TestContext, hanging: Hanging): Hung => {
  const program = startProgram(newFolder(t), { file: hangingWorkers, args: [JSON.stringify(hanging)] })
  const whole = () => program.stdout().slice(0, program.stdout().lastIndexOf('\n') + 1)
  const said = (text: string) => toLines(whole()).filter(({ msg }) => msg === text)
  return { ...program, said, untilSaid: text => until(text, () => said(text).length > 0) }
}

const late = 'a worker was not ready in time, and is killed'

describe('a worker that hangs', { concurrency: true }, () => {
  test('once it is replaced is killed in its time, and the restart goes on', async t => {
    const limits = { firstStart: never, start: never, retirement: 500 }
    const workers = start(t, { limits, atRetirement: [1, 2] })
    await workers.untilSaid('all workers are ready')
    const former = workers.said('a worker is ready').map(line => Number(line.worker_pid))
    workers.kill('SIGUSR2')
    await workers.untilSaid('restart: every worker was replaced')
    const killed = workers.said('a worker that was replaced did not end in time, and is killed')
    assert.deepEqual(
      killed.map(({ worker_pid }) => worker_pid),
      former,
    )
    assert.equal(former.some(isRunning), false)
  })

  test('before it is ready is killed in its time, and another one takes the place whose former one died', async t => {
    const limits = { firstStart: never, start: 4_000, retirement: never }
    const workers = start(t, { limits, atStart: [4] })
    await workers.untilSaid('all workers are ready')
    const [former] = workers.said('a worker is ready').filter(({ worker }) => worker === 2)
    workers.kill('SIGUSR2')
    await workers.untilSaid('a worker hangs')
    process.kill(Number(former?.worker_pid), 'SIGKILL')
    await until('the second is there', () => workers.said('a worker is ready').length === 4)
    const [hung] = workers.said('a worker hangs')
    assert.equal(workers.said(late)[0]?.worker_pid, hung?.pid)
    assert.equal(workers.said('a worker ended before it was ready')[0]?.signal, 'SIGKILL')
    assert.equal(
      workers.said('restart: given up, for the new worker did not start; the former ones stay').length,
      1,
    )
  })

  test('where it is the first of all ends the start, in a time of its own', async t => {
    const limits = { firstStart: 500, start: never, retirement: never }
    const workers = start(t, { limits, atStart: [1] })
    const { code } = await within(30_000, 'the parent ends', workers.ended)
    assert.equal(code, 1)
    assert.deepEqual(
      [late, 'the first worker was ended before it was ready'].map(text => workers.said(text).length),
      [1, 1],
    )
  })
})

import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer } from '../process/http-client.ts'
import { signUp } from '../process/spawned-server.ts'
import { startWorkers, type Workers } from '../workers/start-workers.ts'
import type { Chain } from './chain.ts'
import type { Installation } from './installation.ts'
import { check, type Tally } from './tally.ts'

/** Clients that keep their connection, and others that open one for each request. */
const keeping = 16
const fresh = 4
const perSecond = 200
const pause = (1_000 * (keeping + fresh)) / perSecond

type Load = {
  readonly workers: Workers
  readonly token: string
  readonly tally: Tally
  /** Titles that were answered with 201. */
  readonly written: Set<string>
  isDone: boolean
}

/** Every fourth request writes. */
const sendOne = (load: Load, title: string, count: number, agent: Agent): Promise<Answer> =>
  count % 4 === 0
    ? load.workers.call('POST', 'todos', { token: load.token, body: { title }, agent })
    : load.workers.call('GET', 'todos', { token: load.token, agent })

const ask = async (load: Load, title: string, count: number, agent: Agent): Promise<void> => {
  const { tally, written } = load
  try {
    const { status, text } = await sendOne(load, title, count, agent)
    check(tally, status < 300, `${title} was answered ${status} ${text}`)
    if (status < 300) tally.answered += 1
    if (status === 201) written.add(title)
  } catch (error) {
    check(tally, false, `${title} had no answer: ${error}`)
  }
}

const runClient = async (load: Load, number: number): Promise<void> => {
  const agent = new Agent({ keepAlive: number < keeping, maxSockets: 1 })
  await delay((pause * number) / (keeping + fresh))
  for (let count = 0; !load.isDone; count += 1) {
    // A request is sent at its time, whatever the one before took.
    const turn = delay(pause)
    await ask(load, `${number}-${count}`, count, agent)
    await turn
  }
  agent.destroy()
}

/** What was answered is there, and nothing is there twice. */
const verify = async ({ written, tally }: Load, { query }: Installation): Promise<void> => {
  const titles = (await query('select title from todos')).map(({ title }) => String(title))
  check(tally, new Set(titles).size === titles.length, 'a todo was written twice')
  for (const title of written) check(tally, titles.includes(title), `${title} was answered and is not there`)
}

/** Restarts all workers in turn, so many times, while clients send 200 requests a second. */
export const proveRestarts = async ({
  owner,
  runs,
  tally,
  installation,
}: Chain & { readonly installation: Installation }): Promise<void> => {
  const { folder, env } = installation
  const workers = await startWorkers(owner, folder, 2, { env: { ...env, LIMITS_SCALE: '100000' } })
  const { access } = await signUp(workers, 'alice')
  const load: Load = { workers, token: access, tally, written: new Set(), isDone: false }
  const clients = Array.from({ length: keeping + fresh }, (_, number) => runClient(load, number))
  const from = performance.now()
  const pids = new Set(workers.pids())
  try {
    for (; tally.runs < runs; tally.runs += 1) {
      await workers.restart()
      for (const pid of workers.pids()) pids.add(pid)
    }
  } finally {
    load.isDone = true
  }
  const seconds = (performance.now() - from) / 1_000
  await Promise.all(clients)
  check(tally, pids.size === 2 * (runs + 1), `${pids.size} processes served in all`)
  await verify(load, installation)
  await workers.stop()
  tally.notes.push(
    `${runs} restarts of 2 workers in ${seconds.toFixed(0)} s: ${(tally.answered / seconds).toFixed(0)} answers a second`,
  )
}

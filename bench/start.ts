import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { availableParallelism, cpus } from 'node:os'
import { type Folder, newFolder, type Server, signUp, startServer } from '../test/process/spawned-server.ts'
import { memoryOf } from './memory.ts'
import { toHead, toRow } from './table.ts'

const requests = 200

type Figures = { readonly [column in (typeof columns)[number]]: number }

const columns = ['ready ms', 'RSS MiB', 'peak MiB', 'RSS MiB after', 'peak MiB after'] as const

const ways = [
  {
    name: 'new database, nothing compiled before',
    env: { NODE_DISABLE_COMPILE_CACHE: '1' },
    keepsFolder: false,
  },
  { name: 'new database', env: {}, keepsFolder: false },
  { name: 'existing database', env: {}, keepsFolder: true },
] as const

const paths = ['protected', 'me', 'posts', 'todos', 'users']

const useServer = async (server: Server, name: string): Promise<void> => {
  const { access } = await signUp(server, name)
  const agent = new Agent({ keepAlive: true })
  for (let sent = 0; sent < requests; sent += 1) {
    const path = paths[sent % paths.length] ?? 'me'
    const { status } = await server.call('GET', path, { token: access, agent })
    assert.equal(status, 200, path)
  }
  agent.destroy()
}

const measure = async (folder: Folder, name: string, env: Record<string, string>): Promise<Figures> => {
  const start = performance.now()
  const server = await startServer(folder, { env })
  const { status } = await server.call('GET', '/readyz')
  const ready = performance.now() - start
  assert.equal(status, 200)
  const atStart = memoryOf(server.pid)
  await useServer(server, name)
  const after = memoryOf(server.pid)
  await server.stop()
  return {
    'ready ms': ready,
    'RSS MiB': atStart.resident,
    'peak MiB': atStart.peak,
    'RSS MiB after': after.resident,
    'peak MiB after': after.peak,
  }
}

const ends: (() => Promise<void>)[] = []
const openFolder = (): Folder => newFolder({ after: end => ends.push(end) })

const runWay = async (
  { env, keepsFolder }: (typeof ways)[number],
  rounds: number,
): Promise<readonly Figures[]> => {
  const kept = openFolder()
  const figures: Figures[] = []
  // The first one is not counted: it makes the database, and warms the cache of files.
  for (let round = 0; round <= rounds; round += 1)
    figures.push(await measure(keepsFolder ? kept : openFolder(), `bench${round}`, env))
  return figures.slice(1)
}

const toCell = (figures: readonly Figures[], column: (typeof columns)[number]): string => {
  const sorted = figures.map(row => row[column]).sort((a, b) => a - b)
  const [median = Number.NaN, most = Number.NaN] = [sorted[sorted.length >> 1], sorted.at(-1)]
  return `${median.toFixed(0)} (${most.toFixed(0)})`
}

/**
 * How long a start takes and how much memory it holds: the blog is started so many times in each way, one
 * after the other, on a database of their own. Targets: under 1 s, under 120 MiB.
 */
export const measureStart = async ([rounds = 10]: readonly number[]): Promise<void> => {
  try {
    console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node.js ${process.version}.`)
    console.log(`Median (and worst) of ${rounds} starts each; after: after ${requests} signed-in requests.\n`)
    console.log(toHead(['start', ...columns]))
    for (const way of ways) {
      const figures = await runWay(way, rounds)
      console.log(toRow([way.name, ...columns.map(column => toCell(figures, column))]))
    }
  } finally {
    for (const end of ends) await end()
  }
}

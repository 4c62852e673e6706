import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { newFolder, signUp, startServer } from '../test/process/spawned-server.ts'
import { startWorkers } from '../test/workers/start-workers.ts'
import { cpuTime } from './contender.ts'
import { median, toHead, toRow } from './table.ts'
import { load, type Measured } from './wrk.ts'

const counts = [1, 2, 4]

const columns = [
  'workers',
  'requests a second',
  'ratio',
  'processor time each, µs',
  "the parent's, µs",
  'p99 ms',
  'refused',
  'all ready ms',
  'MiB of each',
  'MiB of the parent',
] as const

/** MiB that a process has for itself, with its share of what it has in common with others. */
const memoryOf = (pid: number): number => {
  const [, kibibytes = 'NaN'] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
  return Number(kibibytes) / 1_024
}

type Owner = { readonly after: (end: () => Promise<void>) => void }
type Slice = Measured & { readonly parent: number }

const open = async (owner: Owner, count: number) => {
  const folder = newFolder(owner)
  const env = { WORKERS: String(count), LIMITS_SCALE: '100000', ACCESS_LOG: 'notable' }
  const start = performance.now()
  const { pids, ...server } =
    count === 1
      ? await startServer(folder, { env }).then(one => ({ ...one, pids: () => [one.pid] }))
      : await startWorkers(owner, folder, count, { env })
  const ready = performance.now() - start
  const { access } = await signUp(server, 'bench')
  const callers = join(folder.path, 'callers')
  writeFileSync(callers, `Authorization: Bearer ${access}\n`)
  const parents = count === 1 ? [] : [server.pid]
  return { count, ready, url: server.url, callers, pids: pids(), parents, slices: [] as Slice[] }
}

type Opened = Awaited<ReturnType<typeof open>>

const what = { script: 'get.lua', target: '/api/v1/protected', isPinned: false } as const

const measure = async (opened: Opened, seconds: number): Promise<Slice> => {
  const before = cpuTime(opened.parents)
  const slice = await load(opened, { ...what, seconds })
  return { ...slice, parent: (cpuTime(opened.parents) - before) / (slice.perSecond * seconds) }
}

const toCells = ({ count, ready, pids, parents, slices }: Opened, alone: number) => {
  const of = (pick: (slice: Slice) => number) => median(slices.map(pick))
  const perSecond = of(slice => slice.perSecond)
  return [
    count,
    perSecond.toFixed(0),
    (perSecond / alone).toFixed(2),
    of(slice => slice.cpu).toFixed(1),
    of(slice => slice.parent).toFixed(2),
    of(slice => slice.p99).toFixed(1),
    Math.max(...slices.map(({ refused }) => refused)),
    ready.toFixed(0),
    median(pids.map(memoryOf)).toFixed(0),
    parents.length === 0 ? '–' : median(parents.map(memoryOf)).toFixed(0),
  ]
}

/**
 * A protected GET of the blog with one, two and four workers, which take turns. The load shares the cores with
 * them, so four workers on four cores can't reach four times as much.
 */
export const measureWorkers = async ([rounds = 5, seconds = 3]: readonly number[]): Promise<void> => {
  const ends: (() => Promise<void>)[] = []
  const owner = { after: (end: () => Promise<void>) => void ends.unshift(end) }
  try {
    const all: Opened[] = []
    for (const count of counts) all.push(await open(owner, count))
    for (const opened of all) await measure(opened, 3)
    for (let round = 0; round < rounds; round += 1)
      for (const opened of round % 2 ? all.toReversed() : all)
        opened.slices.push(await measure(opened, seconds))
    console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node.js ${process.version}.\n`)
    console.log(toHead(columns))
    const alone = median((all[0]?.slices ?? []).map(({ perSecond }) => perSecond))
    for (const opened of all) console.log(toRow(toCells(opened, alone)))
  } finally {
    for (const end of ends) await end()
  }
}

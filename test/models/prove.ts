import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { startPostgres } from '../postgres/server.ts'
import type { Chain } from '../proofs/chain.ts'
import { addMet } from '../proofs/tally.ts'
import type { ModelName, Shown } from './models.ts'
import type { Asked } from './worker.ts'

const file = new URL('worker.ts', import.meta.url)

/** Two processes on one SQLite file wait for each other most of the time: one chain in so many has them. */
const pairedChain = 10

type Way = {
  readonly env: Record<string, string | undefined>
  readonly processes: number
  readonly atOnce: number
}

const onSqlite = async ({ seeded }: Chain): Promise<Way> => {
  const isPaired = seeded.seed % pairedChain === 0
  return { env: { TEST_DATABASE: 'sqlite' }, processes: isPaired ? 2 : 1, atOnce: isPaired ? 2 : 4 }
}

const onPostgres = async ({ owner }: Chain): Promise<Way> => {
  const server = await startPostgres()
  owner.after(server.stop)
  return { env: { TEST_DATABASE: 'postgres', TEST_POSTGRES: server.url }, processes: 2, atOnce: 16 }
}

const ways = { sqlite: onSqlite, postgres: onPostgres } as const

/** Plays a chain of histories in a thread of its own, on a database of its own. */
export const proveModel =
  (name: ModelName, database: keyof typeof ways) =>
  async (chain: Chain): Promise<void> => {
    const { tally, runs, seeded } = chain
    const { env, ...way } = await ways[database](chain)
    const asked: Asked = { name, seed: seeded.seed, histories: runs, ...way }
    const worker = new Worker(file, { workerData: asked, env: { ...process.env, ...env } })
    let last: Shown | undefined
    worker.on('message', (shown: Shown) => {
      last = shown
      tally.runs = shown.histories
      tally.answered = shown.calls
      tally.checked = shown.checked
    })
    worker.on('error', (error: Error) => tally.stopped.push(error.stack ?? error.message))
    await once(worker, 'exit')
    if (last === undefined) return
    addMet(tally.met, last.met)
    tally.lost.push(...last.lost)
  }

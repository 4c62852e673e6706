import { parentPort, Worker, workerData } from 'node:worker_threads'
import { hash, verify, verifySync } from '@node-rs/argon2'

/** As Gatewright hashes. */
export const costs = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

const mark = 'raw hashing'
const duration = 1_000

const hashForAWhile = (stored: string): number => {
  const begun = performance.now()
  let done = 0
  while (performance.now() - begun < duration) {
    verifySync(stored, 'a wrong password')
    done += 1
  }
  return (done * 1_000) / (performance.now() - begun)
}

const inThread = (stored: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { mark, stored } })
    worker.once('message', resolve).once('error', reject)
  })

const inPool = async (stored: string): Promise<number> => {
  const begun = performance.now()
  let done = 0
  while (performance.now() - begun < duration) {
    await verify(stored, 'a wrong password')
    done += 1
  }
  return (done * 1_000) / (performance.now() - begun)
}

const ways = { thread: inThread, pool: inPool } as const

/**
 * Checks a password for a second, so many at once and nothing else: what the machine can do at that moment, in
 * threads that do nothing else or in Node.js' pool.
 */
export const rawHashing = async (
  atOnce: number,
  way: keyof typeof ways,
): Promise<{ readonly perSecond: number }> => {
  const stored = await hash('a right password', costs)
  const rates = await Promise.all(Array.from({ length: atOnce }, () => ways[way](stored)))
  return { perSecond: rates.reduce((sum, rate) => sum + rate, 0) }
}

if (workerData?.mark === mark) parentPort?.postMessage(hashForAWhile(workerData.stored))

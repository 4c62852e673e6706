import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { type HashingAnswer, type HashingTask, startHashingThread } from './hashing-thread.ts'

type Thread = { readonly worker: Worker; readonly waiting: PromiseWithResolvers<HashingAnswer>[] }

/** More would not make many sign-ins faster, but the memory that a flood of them takes larger: 19 MiB each. */
const most = 8

/** How many threads hashing may take: one core is left to the thread that serves. */
export const hashingThreads = (cores = availableParallelism()): number =>
  Math.max(1, Math.min(most, cores - 1))

/** Those of this process, like Node.js' own pool. */
const threads = new Set<Thread>()

const startThread = (): Thread => {
  const worker = startHashingThread()
  const thread: Thread = { worker, waiting: [] }
  const end = (): void => {
    threads.delete(thread)
    for (const { reject } of thread.waiting.splice(0)) reject(new Error('a thread that hashes has ended'))
  }
  worker.on('message', (answer: HashingAnswer) => {
    thread.waiting.shift()?.resolve(answer)
    if (thread.waiting.length === 0) worker.unref()
  })
  // Without a listener an error would end the process.
  worker.on('error', end)
  worker.on('exit', end)
  threads.add(thread)
  return thread
}

const findLeastBusy = (): Thread | undefined =>
  [...threads].reduce<Thread | undefined>(
    (least, thread) => (least && least.waiting.length <= thread.waiting.length ? least : thread),
    undefined,
  )

const pickThread = (atMost: number): Thread => {
  const thread = findLeastBusy()
  if (thread === undefined) return startThread()
  return thread.waiting.length > 0 && threads.size < atMost ? startThread() : thread
}

/**
 * Hashes in a thread that does nothing else: what Node.js' own pool does (files, look-ups, signatures) never waits
 * behind hashes, and whoever is served goes before them. A thread starts when it is first needed and keeps no
 * process alive. One that has more than one task begins the next at once, whatever the main thread does.
 * @param atMost threads that this may be shared out to; fewer where others have started more
 * @throws Error where the task failed, or its thread ended
 */
export const hashInThread = async (task: HashingTask, atMost: number): Promise<string | boolean> => {
  const { worker, waiting } = pickThread(atMost)
  const answered = Promise.withResolvers<HashingAnswer>()
  waiting.push(answered)
  worker.ref()
  worker.postMessage(task)
  const answer = await answered.promise
  if ('failed' in answer) throw new Error('a password could not be hashed')
  return answer.value
}

import { second } from '../ground/clock.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Report, Told } from './messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A process that serves, and its place among the workers. */
export type Serving = { readonly number: number; readonly process: WorkerProcess }

/** How long all workers together have to tell what they measured. One that stands still is left out. */
const longestAnswer = second

/** Hands on what one worker asks of all, and what each of them tells. The parent itself looks at nothing. */
export type Relay = {
  readonly ask: (asker: WorkerProcess, question: number) => Promise<void>
  readonly note: (worker: number, report: Extract<Report, { readonly report: 'measured' }>) => void
}

export const createRelay = (listServing: () => readonly Serving[]): Relay => {
  const open = new Map<number, (told: Told) => void>()
  let last = 0

  const gather = async (): Promise<readonly Told[]> => {
    const serving = listServing()
    const question = ++last
    const all: Told[] = []
    const complete = new Promise<void>(resolve => {
      open.set(question, told => {
        all.push(told)
        if (all.length === serving.length) resolve()
      })
    })
    for (const { process } of serving) process.order({ order: 'measure', question })
    await waitAtMost(longestAnswer, complete)
    open.delete(question)
    return all.sort((a, b) => a.worker - b.worker)
  }
  return {
    ask: async (asker, question) => asker.order({ order: 'read', question, all: await gather() }),
    note: (worker, { question, figures }) => open.get(question)?.({ worker, figures }),
  }
}

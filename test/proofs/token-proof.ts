import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Chain } from './chain.ts'
import { check, type Tally } from './tally.ts'
import { ofRun } from './token-counts.ts'
import type { Memory, Told } from './token-process.ts'

/** Megabytes. All that is remembered at most is a few times as much. */
const leeway = { heap: 10, full: 48, rss: 160 }

const file = join(import.meta.dirname, 'token-process.ts')

const show = ({ heap, rss }: Memory): string => `heap ${heap} MB, RSS ${rss} MB`

const judge = (tally: Tally, [first, ...later]: readonly Told[], runs: number): void => {
  const last = later.at(-1)
  if (first === undefined || last === undefined || later.length !== runs + 1)
    throw new Error('the process of the proof ended early')
  const highest = Math.max(...later.map(({ memory }) => memory.heap))
  check(tally, last.verified >= runs * ofRun, 'every token was looked at')
  check(tally, last.pushedOut === 0, `a session in a loop pushed out ${last.pushedOut} tokens of others`)
  check(tally, highest < first.memory.heap + leeway.full, `the heap grew to ${highest} MB`)
  check(
    tally,
    last.memory.heap < first.memory.heap + leeway.heap,
    `the heap stayed at ${last.memory.heap} MB`,
  )
  check(tally, last.memory.rss < first.memory.rss + leeway.rss, `RSS stayed at ${last.memory.rss} MB`)
  tally.notes.push(
    `${last.verified} distinct access tokens: before ${show(first.memory)}; highest heap ${highest} MB; after ${show(last.memory)}`,
  )
}

/** Shows a process of its own that many distinct tokens, and looks at its memory. */
export const proveTokens = async ({ owner, runs, seeded, tally }: Chain): Promise<void> => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = fork(file, [String(runs), String(seeded.seed)], { env })
  const ended = once(child, 'exit')
  owner.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const told: Told[] = []
  child.on('message', message => {
    told.push(message as Told)
    tally.runs = Math.max(0, Math.min(runs, told.length - 1))
    tally.answered = told.at(-1)?.verified ?? 0
  })
  await ended
  judge(tally, told, runs)
}

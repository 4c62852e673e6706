import type { Link } from './chains.ts'
import { addTallies, newTally, type Tally } from './tally.ts'

const sum = (chains: readonly Link[]): Tally =>
  chains.map(({ tally }) => tally).reduce(addTallies, newTally())

const countRuns = (chains: readonly Link[]): number => chains.reduce((count, { runs }) => count + runs, 0)

/** One line that is written over itself; where nobody watches, one for each chain that is done. */
export const showProgress = (chains: readonly Link[], seed: number) => {
  const start = performance.now()
  const { isTTY } = process.stderr
  const toLine = (): string => {
    const { runs, answered, checked, lost } = sum(chains)
    const seconds = ((performance.now() - start) / 1_000).toFixed(0)
    return `${runs} of ${countRuns(chains)} runs, ${answered} answered, ${checked} facts checked, ${lost.length} lost, ${seconds} s, seed ${seed}`
  }
  const show = (): void => void process.stderr.write(isTTY ? `\r\u001b[K${toLine()}` : `${toLine()}\n`)
  const timer = setInterval(() => isTTY && show(), 500)
  return {
    tick: show,
    end: () => {
      clearInterval(timer)
      if (isTTY) process.stderr.write('\n')
    },
  }
}

const columns = [
  { head: 'runs', of: (tally: Tally) => tally.runs },
  { head: 'answered 2xx', of: (tally: Tally) => tally.answered },
  { head: 'asked again', of: (tally: Tally) => tally.repeated },
  { head: 'facts checked', of: (tally: Tally) => tally.checked },
  { head: 'lost', of: (tally: Tally) => tally.lost.length },
  { head: 'stopped', of: (tally: Tally) => tally.stopped.length },
  { head: 'slowest recovery ms', of: (tally: Tally) => Math.round(tally.slowest) },
] as const

const toRow = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

/** One row a proof, as a table in Markdown, and what else there is to say. */
export const toSummary = (chains: readonly Link[]): string =>
  [
    toRow(['proof', ...columns.map(({ head }) => head)]),
    toRow(['---', ...columns.map(() => '--:')]),
    ...Object.entries(Object.groupBy(chains, ({ name }) => name)).map(([name, ofName]) =>
      toRow([name, ...columns.map(({ of }) => of(sum(ofName)))]),
    ),
    ...sum(chains).notes,
  ].join('\n')

/** How often each thing happened, one line a proof that counts them. */
export const toMet = (chains: readonly Link[]): string =>
  Object.entries(Object.groupBy(chains, ({ name }) => name))
    .flatMap(([name, ofName]) => {
      const met = [...sum(ofName).met].sort(([a], [b]) => (a < b ? -1 : 1))
      return met.length === 0 ? [] : [`${name}: ${met.map(([what, times]) => `${what} ${times}`).join(', ')}`]
    })
    .join('\n')

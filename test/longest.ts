import { isAbsolute, relative } from 'node:path'
import type { EventData } from 'node:test'
import { isTestFile } from './failures.ts'
import { top } from './markdown.ts'
import type { Database } from './runs.ts'

/** How long a file took, in seconds, in a process of its own or among others. */
export type Took = { readonly database: Database; readonly file: string; readonly seconds: number }

type Ended = EventData.TestPass | EventData.TestFail

/** Keeps how long each file takes. Among others in one process it is a suite of its name. */
export const collectTimes = (database: Database) => {
  const times: Took[] = []
  const keep = (file: string, milliseconds: number): void => {
    if (isTestFile(file)) times.push({ database, file, seconds: milliseconds / 1_000 })
  }
  return {
    times,
    takeTest: ({ name, nesting, details }: Ended): void => {
      if (nesting === 0) keep(name, details.duration_ms)
    },
    takeFile: ({ file, duration_ms }: EventData.TestSummary): void => {
      if (file !== undefined && isAbsolute(file)) keep(relative(top, file), duration_ms)
    },
  }
}

const most = 10

/** Where to begin, for whoever wants a run to be shorter. */
export const printLongest = (times: readonly Took[]): void => {
  const longest = times.toSorted((one, other) => other.seconds - one.seconds).slice(0, most)
  const lines = longest.map(
    ({ database, file, seconds }) => `${seconds.toFixed(0).padStart(4)} s  ${database.padEnd(8)}  ${file}`,
  )
  process.stdout.write(`\nTook longest:\n${lines.join('\n')}\n`)
}

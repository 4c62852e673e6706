import { spawn } from 'node:child_process'
import { spec } from 'node:test/reporters'
import { collectFailures, type Failure, listRepeatable, printFailures, stoppedEarly } from './failures.ts'
import { globalSetup, globalTeardown } from './global-setup.ts'
import { collectTimes, printLongest, type Took } from './longest.ts'
import { type Database, isDatabase, startRun } from './runs.ts'

/*
 * Every test, or those of the files named, on both databases at once: each waits much for processes and
 * servers of its own. `node test/run.ts [sqlite|postgres] [file …]`
 */

const [first, ...rest] = process.argv.slice(2)
const database = isDatabase(first) ? first : undefined
const named = database === undefined && first !== undefined ? [first, ...rest] : rest

/** What one run tells another. */
type Told = { readonly failures: readonly Failure[]; readonly times: readonly Took[] }
type Ended = Told & { readonly isWell: boolean }

/** Without a word at its end a run has failed, whatever stopped it. */
const runOn = (kind: Database, files: readonly string[]): Promise<Ended> =>
  new Promise(resolve => {
    const stream = startRun(kind, files)
    let isWell: boolean | undefined
    const { failures, take } = collectFailures(kind)
    const { times, takeTest, takeFile } = collectTimes(kind)
    stream.on('test:fail', take).on('test:fail', takeTest).on('test:pass', takeTest)
    stream.on('test:summary', summary => {
      takeFile(summary)
      if (summary.file === undefined) isWell = summary.success
    })
    stream.once('close', () => {
      if (isWell === undefined) failures.push(stoppedEarly(kind))
      resolve({ isWell: isWell ?? false, failures, times })
    })
    stream.compose(spec).pipe(process.stdout)
  })

/** A run in a process of its own; what it prints is kept until its turn where another one prints. */
const runBeside = async (kind: Database, isFirst: boolean) => {
  const child = spawn(process.execPath, [import.meta.filename, kind, ...named], {
    stdio: ['ignore', isFirst ? 'inherit' : 'pipe', 'inherit', 'ipc'],
  })
  const kept: Buffer[] = []
  let told: Told = { failures: [stoppedEarly(kind)], times: [] }
  child.stdout?.on('data', (chunk: Buffer) => kept.push(chunk))
  child.on('message', (said: Told) => {
    told = said
  })
  const code = await new Promise(resolve => child.once('close', resolve))
  return { ...told, isWell: code === 0, print: () => process.stdout.write(Buffer.concat(kept)) }
}

const runBoth = async (): Promise<Ended> => {
  const ended = await Promise.all([runBeside('sqlite', true), runBeside('postgres', false)])
  for (const { print } of ended) print()
  return {
    isWell: ended.every(({ isWell }) => isWell),
    failures: ended.flatMap(({ failures }) => failures),
    times: ended.flatMap(({ times }) => times),
  }
}

/** What failed among all others fails again alone, or the load of the machine had its part: see decision 59. */
const runAgain = async ({ isWell, failures }: Ended): Promise<boolean> => {
  printFailures(failures)
  const again = isWell ? [] : listRepeatable(failures)
  for (const { database: kind, file } of again)
    for (const _ of Array.from({ length: 3 })) if (!(await runOn(kind, [file])).isWell) return false
  if (again.length > 0) printFailures(failures, 'Unstable: failed among the others, passed alone three times')
  return isWell || again.length > 0
}

// Whoever started this one has the server.
const isBeside = process.env.TEST_POSTGRES !== undefined
if (!isBeside) await globalSetup()
process.exitCode = 1
const ended = await (database === undefined ? runBoth() : runOn(database, named))
const { isWell: _, ...told } = ended
if (process.send) process.send(told, () => process.disconnect?.())
if (named.length === 0 && !isBeside) printLongest(ended.times)
const isWell = named.length > 0 || isBeside ? ended.isWell : await runAgain(ended)
if (!isBeside) await globalTeardown()
process.exitCode = isWell ? 0 : 1

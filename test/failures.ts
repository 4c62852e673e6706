import { isAbsolute, relative } from 'node:path'
import type { EventData } from 'node:test'
import { top } from './markdown.ts'
import type { Database } from './runs.ts'

/** A test that failed; `file` below the top of the project, or nothing where no single file can be named. */
export type Failure = {
  readonly database: Database
  readonly file: string | undefined
  readonly test: string
  readonly message: string
}

/** By its path below the top of the project. */
export const isTestFile = (path: string): boolean => /^(?:packages|apps|test|tools)\/.+\.test\.ts$/.test(path)

type Event = EventData.TestFail

/** Among others in one process a file is a suite of its name. */
const fileOf = ({ name, file, entryFile }: Event): string | undefined =>
  [name, ...[entryFile, file].map(path => (path === undefined ? '' : relative(top, path)))].find(
    path => !isAbsolute(path) && isTestFile(path),
  )

const isOfTestsWithin = (error: Error): boolean =>
  'failureType' in error && error.failureType === 'subtestsFailed'

/** Keeps what fails in a run: a failure each for what stands at the top of a file, with the words of all inside. */
export const collectFailures = (database: Database) => {
  const failures: Failure[] = []
  let words: string[] = []
  const take = (event: Event): void => {
    const { error } = event.details
    const cause = error.cause instanceof Error ? error.cause : error
    if (!isOfTestsWithin(error)) words.push(`${event.name}: ${cause.stack ?? cause.message}`)
    if (event.nesting > 0) return
    failures.push({ database, file: fileOf(event), test: event.name, message: words.join('\n') })
    words = []
  }
  return { failures, take }
}

/** What is left to say of a run that ended before its time. */
export const stoppedEarly = (database: Database): Failure => ({
  database,
  file: undefined,
  test: 'the run stopped before its end',
  message: '',
})

/** More than these are no accident. */
const mostFiles = 3

/** The files to run again, each on its database; none where one of them can't be named, or they are too many. */
export const listRepeatable = (
  failures: readonly Failure[],
): readonly { readonly database: Database; readonly file: string }[] => {
  const files = [
    ...new Map(failures.map(({ database, file }) => [`${database} ${file}`, { database, file }])).values(),
  ]
  const known = files.flatMap(({ database, file }) => (file === undefined ? [] : [{ database, file }]))
  return known.length < files.length || known.length > mostFiles ? [] : known
}

/** At the end, where whoever reads only the last page finds them. */
export const printFailures = (failures: readonly Failure[], title = 'Failed'): void => {
  if (failures.length === 0) return
  const lines = failures.map(
    ({ database, file, test, message }) => `${database}: ${file ?? 'no file'}: ${test}\n${message}`,
  )
  process.stdout.write(`\n${title}:\n${lines.join('\n')}\n`)
}

import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from './debian-program.ts'
import { toMissing } from './missing.ts'

const findLibrary = (program: string): string | undefined => {
  const libraries = join(dirname(program), '../lib')
  const found = readdirSync(libraries, { recursive: true, encoding: 'utf8' })
  const name = found.find(path => path.endsWith('faketime/libfaketime.so.1'))
  return name === undefined ? undefined : join(libraries, name)
}

/**
 * What in the environment of a process gives it a wall clock that a file moves: `+2h`, `-1h`, `+0`. Its
 * monotonic clock goes on as it is. A text says why there is none.
 */
export const findFakeTime = async (file: string): Promise<Readonly<Record<string, string>> | string> => {
  const program = await findProgram('faketime', ['faketime', 'libfaketime'])
  if (typeof program === 'string') return program
  const library = findLibrary(program.path)
  if (library === undefined) return toMissing('there is no libfaketime beside the program faketime')
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
}

import { spawn } from 'node:child_process'
import { spec } from 'node:test/reporters'
import { globalSetup, globalTeardown } from './global-setup.ts'
import { isDatabase, startRun } from './runs.ts'

/*
 * Every test, or those of the files named, on both databases at once: each waits much for processes and
 * servers of its own. `node test/run.ts [sqlite|postgres] [file …]`
 */

const [first, ...rest] = process.argv.slice(2)
const database = isDatabase(first) ? first : undefined
const named = database === undefined && first !== undefined ? [first, ...rest] : rest

/** Without a word at its end a run has failed, whatever stopped it. */
const runOn = (kind: NonNullable<typeof database>): Promise<boolean> =>
  new Promise(resolve => {
    const stream = startRun(kind, named)
    let isWell = false
    stream.on('test:summary', ({ file, success }) => {
      if (file === undefined) isWell = success
    })
    stream.once('close', () => resolve(isWell))
    stream.compose(spec).pipe(process.stdout)
  })

/** A run in a process of its own; what it prints is kept until its turn where another one prints. */
const runBeside = (kind: NonNullable<typeof database>, isFirst: boolean) => {
  const child = spawn(process.execPath, [import.meta.filename, kind, ...named], {
    stdio: ['ignore', isFirst ? 'inherit' : 'pipe', 'inherit'],
  })
  const kept: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => kept.push(chunk))
  return new Promise<boolean>(resolve => child.once('close', code => resolve(code === 0))).then(isWell => ({
    isWell,
    print: () => process.stdout.write(Buffer.concat(kept)),
  }))
}

const runBoth = async (): Promise<boolean> => {
  const running = [runBeside('sqlite', true), runBeside('postgres', false)]
  const ended = await Promise.all(running)
  for (const { print } of ended) print()
  return ended.every(({ isWell }) => isWell)
}

// Whoever started this one has the server.
const isBeside = process.env.TEST_POSTGRES !== undefined
if (!isBeside) await globalSetup()
process.exitCode = 1
const isWell = await (database === undefined ? runBoth() : runOn(database))
if (!isBeside) await globalTeardown()
process.exitCode = isWell ? 0 : 1

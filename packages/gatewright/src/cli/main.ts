#!/usr/bin/env node
import { version } from '../upkeep/manifest.ts'
import { asksForJson, parseArguments } from './arguments.ts'
import { commands } from './commands.ts'
import { toFailure, toFailureText } from './failure.ts'
import { printable, printableJson } from './table.ts'

/** What is printed where, and the exit code. JSON always goes to standard output, refusals too. */
type Outcome = { readonly stdout?: string; readonly stderr?: string; readonly exitCode: 0 | 1 | 2 }

/** What a command says may have names in it that strangers have chosen. */
const toLines = (text: string): string => text.split('\n').map(printable).join('\n')

const execute = async (words: readonly string[]): Promise<Outcome> => {
  const invocation = parseArguments(words, commands, version)
  if (invocation.kind === 'print') return { stdout: invocation.text, exitCode: 0 }
  const result = await invocation.command.run(invocation.input)
  if (result === undefined) return { exitCode: 0 }
  const { text, json, exitCode = 0 } = result
  return {
    stdout: asksForJson(words) ? printableJson({ ok: exitCode === 0, ...json }) : toLines(text),
    exitCode,
  }
}

const fail = (error: unknown, words: readonly string[]): Outcome => {
  const failure = toFailure(error)
  const { exitCode, json } = failure
  return asksForJson(words)
    ? { stdout: printableJson(json), exitCode }
    : { stderr: toFailureText(failure), exitCode }
}

// A reader that has seen enough, such as head, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const words = process.argv.slice(2)
const { stdout, stderr, exitCode } = await execute(words).catch(error => fail(error, words))
if (stdout !== undefined) process.stdout.write(`${stdout}\n`)
if (stderr !== undefined) process.stderr.write(stderr)
// Not process.exit: what is written to a pipe may not be out yet.
process.exitCode = exitCode

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type FoundProgram, findProgram } from './debian-program.ts'

/** Prometheus's own judge of metrics and rules. A text says why there is none. */
export const findPromtool = (): Promise<FoundProgram | string> => findProgram('promtool', ['prometheus'])

/** @returns what it says, and whether it is content */
export const runPromtool = async (
  { path, env }: FoundProgram,
  args: readonly string[],
  input = '',
): Promise<{ readonly said: string; readonly isContent: boolean }> => {
  const child = spawn(path, args, { env: { ...process.env, ...env } })
  child.stdin.end(input)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { said: `${out}${err}`, isContent: child.exitCode === 0 }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseClusterArguments, usage } from './arguments.ts'

const args = process.argv.slice(2)
const wanted = parseClusterArguments(args)
if (typeof wanted === 'string') {
  console.error(`${wanted}\n\n${usage}`)
  process.exit(2)
}
if (wanted.help) {
  console.log(usage)
  process.exit(0)
}

/**
 * In a process group of its own: a terminal sends Ctrl+C to all of the one before it, and servers that end with
 * it would leave nothing to look at. It ends when this process does, whatever ends this one.
 */
const hour = spawn(process.execPath, [join(import.meta.dirname, 'hour.ts'), ...args], {
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => hour.kill(signal))
const [code] = await once(hour, 'exit')
process.exitCode = code ?? 1

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { top } from './top.ts'

/*
 * `npm run check`: the parts of `check:parts` in package.json beside each other, since most of them have one
 * processor to do. What a part says is printed whole when it ends, that of those that failed last.
 */
const { scripts } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}
const parts = scripts['check:parts']?.split(' && ') ?? []
const path = [join(top, 'node_modules/.bin'), process.env.PATH].join(delimiter)

type Ended = { readonly part: string; readonly isWell: boolean; readonly said: string }

const run = (part: string): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(part, { shell: true, cwd: top, env: { ...process.env, PATH: path } })
    const said: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
    child.once('error', reject)
    child.once('close', code => resolve({ part, isWell: code === 0, said: Buffer.concat(said).toString() }))
  })

const ended = await Promise.all(parts.map(run))
for (const { said } of ended.filter(({ isWell }) => isWell)) process.stdout.write(said)
const failed = ended.filter(({ isWell }) => !isWell)
for (const { part, said } of failed) process.stderr.write(`\nFailed: ${part}\n${said}`)
process.exitCode = parts.length > 0 && failed.length === 0 ? 0 : 1

import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { top } from './top.ts'

/*
 * `TEST_NODE=24 node tools/on-node.ts <file> [words…]` runs a file on another line of Node.js than the one of
 * node_modules; without TEST_NODE on that one. Its version and hash stand in tools/node-24/package-lock.json.
 */
const lines = ['24'] as const

/** Installed once, in the cache of this checkout. */
const install = (line: string): string => {
  const folder = join(top, 'node_modules/.cache', `node-${line}`)
  const node = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node')
  if (existsSync(node)) return node
  mkdirSync(folder, { recursive: true })
  for (const name of ['package.json', 'package-lock.json'])
    cpSync(join(top, 'tools', `node-${line}`, name), join(folder, name))
  execFileSync('npm', ['ci', '--prefix', folder, '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (existsSync(node)) return node
  throw new Error(
    `npm has no Node.js ${line} for ${process.platform} on ${process.arch} (tools/node-${line})`,
  )
}

/** A text says what is wrong with what was asked for. */
const findNode = (line: string): string | Error => {
  if ((lines as readonly string[]).includes(line)) return install(line)
  const own = process.versions.node.split('.')[0]
  return new Error(`TEST_NODE=${line} is none of ${[...lines, own].join(', ')}`)
}

const runElsewhere = (node: string, words: readonly string[]): void => {
  console.log(`On Node.js ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`)
  const child = spawn(node, words, { stdio: 'inherit' })
  child.once('exit', code => {
    process.exitCode = code ?? 1
  })
}

const runHere = async (file: string, words: readonly string[]): Promise<void> => {
  process.argv.splice(1, process.argv.length, resolve(file), ...words)
  await import(pathToFileURL(resolve(file)).href)
}

const main = async ([file = '', ...words]: readonly string[]): Promise<void> => {
  const line = process.env.TEST_NODE ?? ''
  if (line === '' || line === process.versions.node.split('.')[0]) return runHere(file, words)
  const node = findNode(line)
  if (typeof node === 'string') return runElsewhere(node, [file, ...words])
  console.error(node.message)
  process.exitCode = 1
}

await main(process.argv.slice(2))

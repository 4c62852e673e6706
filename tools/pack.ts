import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { toPublished } from './published-manifest.ts'
import { top } from './sources.ts'

/*
 * For `npm pack` and `npm publish` of packages/gatewright: `prepare` runs before the files are collected,
 * `restore` after it. Between the two, which takes a moment, the manifest is the one that is published.
 */
const folder = join(top, 'packages/gatewright')
const manifest = join(folder, 'package.json')
/** The manifest of the repository, while the other stands in its place. */
const kept = join(folder, '.package.json')
const dist = join(folder, 'dist')
const docs = join(folder, 'docs')

/** The pages for whoever has installed the package: what its messages name, and all that these lead to. */
const pages = [
  'adopt',
  'changing-the-secret',
  'command-line',
  'contract-additions',
  'hooks',
  'housekeeping',
  'limits',
  'postgresql',
  'routes',
  'settings',
  'testing',
  'troubleshooting',
  'user-fields',
  'workers',
]

const run = (...words: readonly string[]): void => {
  execFileSync(process.execPath, words, { cwd: top, stdio: ['ignore', 'inherit', 'inherit'] })
}

const compile = (): void => {
  rmSync(dist, { recursive: true, force: true })
  run(join(top, 'node_modules/typescript/bin/tsc'), '-p', folder)
  for (const path of globSync('**/*.*', { cwd: join(folder, 'src'), exclude: ['**/*.ts'] }))
    cpSync(join(folder, 'src', path), join(dist, path))
  chmodSync(join(dist, 'cli/main.js'), 0o755)
}

/** The pages of the console are files as well, made by a tool of their own. */
const buildConsole = (): void => {
  const tool = join(top, 'tools/build-console.ts')
  if (existsSync(tool)) run(tool)
}

/** Also what a pack left behind that was killed. */
const restore = (): void => {
  if (existsSync(kept)) renameSync(kept, manifest)
  for (const made of [dist, docs, join(folder, 'LICENSE')]) rmSync(made, { recursive: true, force: true })
}

const prepare = (): void => {
  restore()
  buildConsole()
  compile()
  cpSync(join(top, 'LICENSE'), join(folder, 'LICENSE'))
  for (const name of pages) cpSync(join(top, 'docs', `${name}.md`), join(docs, `${name}.md`))
  const published = toPublished(JSON.parse(readFileSync(manifest, 'utf8')))
  renameSync(manifest, kept)
  writeFileSync(manifest, `${JSON.stringify(published, null, 2)}\n`)
}

const steps: Readonly<Record<string, () => void>> = { prepare, restore }
const step = steps[process.argv[2] ?? '']
if (step === undefined) throw new TypeError('write: node tools/pack.ts prepare, or restore')
step()

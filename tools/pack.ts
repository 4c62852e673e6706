import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { buildConsoleOf, compilePackage } from './built-package.ts'
import { toPublished } from './published-manifest.ts'
import { top } from './top.ts'

/*
 * For `npm pack` and `npm publish` of a package, whose folder npm runs this in: `prepare` runs before the files
 * are collected, `restore` after it. Between the two, which takes a moment, the manifest is the one that is
 * published.
 */
const name = basename(process.cwd())
const folder = join(top, 'packages', name)
const manifest = join(folder, 'package.json')
/** The manifest of the repository, while the other stands in its place. */
const kept = join(folder, '.package.json')
const dist = join(folder, 'dist')
const docs = join(folder, 'docs')

/** The pages for whoever has installed the package: what its messages name, and all that these lead to. */
const pages = [
  'access-review',
  'adopt',
  'api-keys',
  'audit',
  'audit-chain',
  'backup',
  'certificates',
  'changing-the-secret',
  'command-line',
  'containers',
  'contract-additions',
  'explain',
  'hooks',
  'housekeeping',
  'kubernetes',
  'limits',
  'mail',
  'metrics',
  'nginx',
  'passkeys',
  'postgresql',
  'refusals',
  'registration',
  'roles',
  'runbooks',
  'routes',
  'services',
  'settings',
  'systemd',
  'testing',
  'troubleshooting',
  'user-fields',
  'workers',
  'trusted-issuers',
  'unusual-sign-ins',
]
const pagesOf: Readonly<Record<string, readonly string[]>> = { gatewright: pages, verifier: ['verifier'] }

/** Also what a pack left behind that was killed. */
const restore = (): void => {
  if (existsSync(kept)) renameSync(kept, manifest)
  for (const made of [dist, docs, join(folder, 'LICENSE')]) rmSync(made, { recursive: true, force: true })
}

const prepare = (): void => {
  restore()
  buildConsoleOf(folder)
  compilePackage(folder)
  cpSync(join(top, 'LICENSE'), join(folder, 'LICENSE'))
  for (const page of pagesOf[name] ?? []) cpSync(join(top, 'docs', `${page}.md`), join(docs, `${page}.md`))
  const home = { repository: process.env.GITHUB_REPOSITORY, folder: `packages/${name}` }
  const published = toPublished(JSON.parse(readFileSync(manifest, 'utf8')), home)
  renameSync(manifest, kept)
  writeFileSync(manifest, `${JSON.stringify(published, null, 2)}\n`)
}

const steps: Readonly<Record<string, () => void>> = { prepare, restore }
const step = steps[process.argv[2] ?? '']
if (!Object.hasOwn(pagesOf, name)) throw new TypeError(`${name} is no package that is published`)
if (step === undefined) throw new TypeError('write: node tools/pack.ts prepare, or restore')
step()

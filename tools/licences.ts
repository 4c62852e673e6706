import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { top } from './top.ts'

/** Licences that let anyone use, change and pass on the work, and ask for no more than a notice. */
const allowed: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
])

type LockEntry = {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
}

export type Lock = { readonly packages: Readonly<Record<string, LockEntry>> }

export type Dependency = {
  readonly name: string
  readonly version: string
  readonly licence: string | undefined
}

/** The licence in the package.json that is installed at this place of the lock file, if it is installed here. */
type ReadInstalled = (place: string) => string | undefined

/**
 * Every package that a user of Gatewright installs, by name and version, each once. The lock file says
 * which: it names those of other platforms as well, so that the list is the same on every machine.
 */
export const listDependencies = (lock: Lock, readInstalled: ReadInstalled): readonly Dependency[] => {
  const found = Object.entries(lock.packages)
    .filter(([place, entry]) => place.includes('node_modules/') && !entry.dev && !entry.link)
    .map(([place, { version = '', license }]) => ({
      name: place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      // What is installed is what counts; the lock file only repeats what the registry was told.
      licence: readInstalled(place) ?? license,
    }))
  const unique = new Map(found.map(dependency => [`${dependency.name}@${dependency.version}`, dependency]))
  return [...unique.values()].sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version))
}

/** What has no licence, or one that is not in the list of those allowed. */
export const findRefused = (dependencies: readonly Dependency[]): readonly string[] =>
  dependencies
    .filter(({ licence }) => licence === undefined || !isAllowed(licence))
    .map(({ name, version, licence }) => `${name} ${version}: ${licence ?? 'no licence'}`)

/**
 * SPDX: with OR one of them must be allowed, with AND all. Anything more involved is refused, so that a
 * person reads it.
 */
export const isAllowed = (expression: string): boolean =>
  expression
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some(choice => choice.split(' AND ').every(licence => allowed.has(licence)))

export const toPage = (dependencies: readonly Dependency[]): string =>
  [
    '# Licences',
    '',
    'Gatewright is under the Apache License 2.0 (see LICENSE). It installs these packages; those that hold a',
    'binary are listed for every platform, and one of them is installed.',
    '',
    'Written by `node tools/licences.ts --write`, checked by `npm run check`.',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...dependencies.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence ?? 'none'} |`),
    '',
  ].join('\n')

// By code unit and not by locale, so that every machine writes the same page.
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

const readInstalled: ReadInstalled = place => {
  const manifest = join(top, place, 'package.json')
  if (!existsSync(manifest)) return undefined
  const { license }: { license?: unknown } = JSON.parse(readFileSync(manifest, 'utf8'))
  return typeof license === 'string' ? license : undefined
}

const main = (): void => {
  const page = join(top, 'docs/licences.md')
  const lock: Lock = JSON.parse(readFileSync(join(top, 'package-lock.json'), 'utf8'))
  const dependencies = listDependencies(lock, readInstalled)
  const refused = findRefused(dependencies)
  if (refused.length > 0)
    fail(`Licences that are not allowed (tools/licences.ts):\n  ${refused.join('\n  ')}`)

  const text = toPage(dependencies)
  if (process.argv.includes('--write')) writeFileSync(page, text)
  else if (!existsSync(page) || readFileSync(page, 'utf8') !== text)
    fail('docs/licences.md is out of date. Run: node tools/licences.ts --write')
}

const fail = (message: string): void => {
  console.error(message)
  process.exitCode = 1
}

if (import.meta.main) main()

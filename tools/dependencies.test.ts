import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { cleanEnv } from '../test/pack/packed.ts'
import { top } from './top.ts'

const read = (path: string): string => readFileSync(join(top, path), 'utf8')
const listOf = (name: string): readonly string[] =>
  globSync(
    ['', 'tools/*/', 'packages/*/', 'apps/*/'].map(folder => folder + name),
    { cwd: top },
  ).sort()

type Manifest = {
  readonly name: string
  readonly dependencies?: object
  readonly devDependencies?: object
  readonly optionalDependencies?: object
  readonly allowScripts?: Readonly<Record<string, boolean>>
}
type Entry = {
  readonly link?: boolean
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly [kind: string]: unknown
}

const manifests = listOf('package.json').map(path => ({ path, manifest: JSON.parse(read(path)) as Manifest }))
const dependenciesOf = ({ dependencies, devDependencies, optionalDependencies }: Manifest) =>
  Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
const own = new Set(manifests.map(({ manifest }) => manifest.name))

/** The rows of the tables, as cells. */
const toRows = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter(line => line.startsWith('| ') && !/^\| (package|program) \|/.test(line))
    .map(line => line.slice(2, -2).split(' | '))
const [ofPackages = '', ofPrograms = ''] = read('docs/dependencies.md').split('## Programs of Debian\n')
const [rows, programs] = [toRows(ofPackages), toRows(ofPrograms)]
const namesIn = (cell = ''): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
const named = new Set(rows.flatMap(([first]) => namesIn(first)))

const nameAt = (place: string): string =>
  place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
const locks = listOf('package-lock.json').map(path => {
  const { packages } = JSON.parse(read(path)) as { packages: Readonly<Record<string, Entry>> }
  return { path, entries: Object.entries(packages).filter(([place]) => place.includes('node_modules/')) }
})

describe('docs/dependencies.md', () => {
  for (const { path, manifest } of manifests)
    test(`says of every direct dependency of ${path} what it is for and why this one, and it is pinned exactly`, () => {
      for (const [name, version] of dependenciesOf(manifest)) {
        if (!own.has(name)) assert.ok(named.has(name), `docs/dependencies.md has no row for ${name}`)
        assert.match(String(version), /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} is not pinned`)
      }
    })

  test('has a reason in every row, and none for what nobody depends on', () => {
    const used = new Set(manifests.flatMap(({ manifest }) => dependenciesOf(manifest).map(([name]) => name)))
    assert.deepEqual(
      [...named].filter(name => !used.has(name)),
      [],
    )
    assert.ok(rows.length > 40)
    for (const row of [...rows, ...programs]) {
      assert.equal(row.length, 3, row.join(' | '))
      for (const cell of row) assert.match(cell, /\S{2}/, row.join(' | '))
    }
  })
})

describe('the programs of Debian', () => {
  // The test of how programs are looked for looks for one that is nowhere.
  const exclude = ['**/node_modules/**', 'test/servers/debian-program.test.ts']
  const sources = globSync('{test,tools,bench}/**/*.{ts,sh}', { cwd: top, exclude }).map(read).join('\n')
  const pages = globSync('{README.md,CONTRIBUTING.md,docs/**/*.md,bench/*.md,deploy/**/*.{md,sh}}', {
    cwd: top,
  })
    .map(read)
    .join('\n')
  const rowed = programs.flatMap(([first]) => namesIn(first))
  /** What tests look for, the pages' own words for how to get one, and the names that a browser may have. */
  const lookedFor = [...sources.matchAll(/\b(?:findProgram|findOnPath)\('([\w.-]+)'/g)].map(
    ([, name = '']) => name,
  )
  const installed = [
    ...`${pages}\n${sources}`.matchAll(/apt-get install ((?:[a-z0-9][\w+-]*(?:\.\w+)*(?: |\b))+)/g),
  ]
    .flatMap(([, names = '']) => names.trim().split(' '))
    .filter(name => name !== '')

  test('that a test looks for, or a page has somebody install, say what they are for and why these', () => {
    assert.ok(lookedFor.length > 12, lookedFor.join())
    assert.ok(installed.length > 12, installed.join())
    const missing = [...lookedFor, ...installed].filter(name => !rowed.includes(name))
    assert.deepEqual([...new Set(missing)], [])
    assert.deepEqual(rowed, [...new Set(rowed)])
  })

  test('that nothing uses have no row', () => {
    const isUsed = (name: string): boolean => installed.includes(name) || sources.includes(`'${name}'`)
    assert.deepEqual(
      rowed.filter(name => !isUsed(name)),
      [],
    )
  })
})

describe('supply chain', () => {
  test('look-alike: names of our own are folders of this repository, in every lock file, whoever registers them elsewhere', () => {
    const [first] = locks
    for (const name of own) {
      const [, entry] = first?.entries.find(([place]) => place === `node_modules/${name}`) ?? []
      const isWorkspace = manifests.some(
        ({ path, manifest }) => manifest.name === name && /^(packages|apps)\//.test(path),
      )
      assert.equal(entry?.link === true && existsSync(join(top, entry.resolved ?? '?')), isWorkspace, name)
    }
  })

  test('other sources: every package is of the npm registry, and installed by its SHA-512', () => {
    for (const { path, entries } of locks) {
      assert.ok(entries.length > 1, path)
      for (const [place, { link, resolved, integrity }] of entries) {
        if (link) continue
        assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, place)
        assert.match(resolved ?? 'https://registry.npmjs.org/', /^https:\/\/registry\.npmjs\.org\//, place)
      }
    }
  })

  test('other sources: no package asks for another by an address, a repository or a folder', () => {
    for (const { entries } of locks)
      for (const [place, entry] of entries)
        for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies'])
          for (const [name, wanted] of Object.entries((entry[kind] as object | undefined) ?? {}))
            assert.doesNotMatch(String(wanted), /[:/]|^\.\.?$/, `${place}: ${name}@${wanted}`)
  })

  test('install scripts: only those named in package.json run, and no other is named', () => {
    const { allowScripts = {} } = JSON.parse(read('package.json')) as Manifest
    const found = locks.flatMap(({ entries }) =>
      entries.filter(([, { hasInstallScript }]) => hasInstallScript).map(([place]) => nameAt(place)),
    )
    assert.deepEqual([...new Set(found)].sort(), Object.keys(allowScripts).sort())
    assert.match(read('.npmrc'), /^strict-allow-scripts=true$/m)
  })

  const npmVersion = spawnSync('npm', ['--version'], { encoding: 'utf8', env: cleanEnv() }).stdout.trim()
  const older =
    Number.parseInt(npmVersion, 10) < 11 && `npm ${npmVersion} knows no list of scripts: npm 11 does`

  test('install scripts: by our settings a package with a script that nobody named is not installed', {
    skip: older,
  }, t => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-scripts-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const [thief, app] = ['thief', 'app'].map(name => join(folder, name)) as [string, string]
    const ran = join(folder, 'ran')
    for (const place of [thief, app]) mkdirSync(place)
    const npm = (cwd: string, ...words: readonly string[]) =>
      spawnSync('npm', [...words, '--offline', '--no-audit'], { cwd, env: cleanEnv(), encoding: 'utf8' })
    const script = `node -e "require('fs').writeFileSync('${ran}', '')"`
    const manifest = (more: object): string => JSON.stringify({ name: 'thief', version: '1.0.0', ...more })
    writeFileSync(join(thief, 'package.json'), manifest({ scripts: { postinstall: script } }))
    assert.equal(npm(thief, 'pack').status, 0)
    cpSync(join(top, '.npmrc'), join(app, '.npmrc'))
    const dependencies = { thief: 'file:../thief/thief-1.0.0.tgz' }
    writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, dependencies }))
    const refused = npm(app, 'install')
    assert.deepEqual([refused.status !== 0, existsSync(ran)], [true, false])
    assert.match(refused.stderr, /ESTRICTALLOWSCRIPTS[\s\S]*thief@1\.0\.0/)
  })
})

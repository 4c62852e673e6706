import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packages, releaseFolder, toSums } from './pack.ts'
import { getRelease, type Release } from './plan.ts'

/*
 * `npm run release:publish`: gives the tarballs of `release/` to the registry, with provenance. Who may is decided there,
 * by trusted publishing: no token is kept anywhere. `--dry-run` shows what would be given.
 */

type Publishing = {
  /** As `npm run release:pack` left it. */
  readonly folder: string
  /** What npm is told beside. */
  readonly more: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A version that is there can't be replaced: a job that is run again goes on with the next package. */
const isPublished = (name: string, version: string, { env }: Publishing): boolean =>
  spawnSync('npm', ['view', `${name}@${version}`, 'version', '--json'], {
    encoding: 'utf8',
    env,
  }).stdout.includes(`"${version}"`)

const publish = (name: string, { version, distTag }: Release, publishing: Publishing): boolean => {
  if (isPublished(name, version, publishing)) {
    console.log(`${name} ${version} is published already`)
    return true
  }
  const { folder, more, env } = publishing
  const words = ['--provenance', '--access', 'public', '--tag', distTag, ...more]
  const file = join(folder, `${name}-${version}.tgz`)
  return spawnSync('npm', ['publish', file, ...words], { env, stdio: 'inherit' }).status === 0
}

/** Nothing is published that was changed after it was packed. */
const isAsPacked = (folder: string): boolean => {
  const sums = join(folder, 'SHA256SUMS')
  return existsSync(sums) && readFileSync(sums, 'utf8') === toSums(folder)
}

/** @returns whether all of it is published, or what kept it from being asked for */
export const publishRelease = (release: Release, publishing: Publishing): boolean | string =>
  isAsPacked(publishing.folder)
    ? packages.every(name => publish(name, release, publishing))
    : 'release/ is not as npm run release:pack left it: run that first'

const main = (more: readonly string[]): void => {
  const ended = publishRelease(getRelease(), { folder: releaseFolder, more, env: process.env })
  if (typeof ended === 'string') console.error(ended)
  process.exitCode = ended === true ? 0 : 1
}

if (import.meta.main) main(process.argv.slice(2))

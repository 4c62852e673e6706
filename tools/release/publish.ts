import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packages, releaseFolder, toSums } from './pack.ts'
import { getRelease, type Release } from './plan.ts'

/*
 * `npm run release:publish`: gives the tarballs of `release/` to the registry, with provenance. Who may is decided there,
 * by trusted publishing: no token is kept anywhere. `--dry-run` shows what would be given.
 */

const run = (...words: readonly string[]): number => spawnSync('npm', words, { stdio: 'inherit' }).status ?? 1

/** A version that is there can't be replaced: a job that is run again goes on with the next package. */
const isPublished = (name: string, version: string): boolean =>
  spawnSync('npm', ['view', `${name}@${version}`, 'version', '--json'], { encoding: 'utf8' }).stdout.includes(
    `"${version}"`,
  )

const publish = (name: string, { version, isPreview }: Release, more: readonly string[]): boolean => {
  if (isPublished(name, version)) {
    console.log(`${name} ${version} is published already`)
    return true
  }
  const file = join(releaseFolder, `${name}-${version}.tgz`)
  const tag = isPreview ? 'next' : 'latest'
  return run('publish', file, '--provenance', '--access', 'public', '--tag', tag, ...more) === 0
}

/** Nothing is published that was changed after it was packed. */
const isAsPacked = (): boolean => {
  const sums = join(releaseFolder, 'SHA256SUMS')
  return existsSync(sums) && readFileSync(sums, 'utf8') === toSums(releaseFolder)
}

const main = (more: readonly string[]): void => {
  const release = getRelease()
  if (isAsPacked()) process.exitCode = packages.every(name => publish(name, release, more)) ? 0 : 1
  else {
    console.error('release/ is not as npm run release:pack left it: run that first')
    process.exitCode = 1
  }
}

main(process.argv.slice(2))

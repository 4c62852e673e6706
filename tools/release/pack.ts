import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeSbom } from '../sbom.ts'
import { top } from '../top.ts'

/*
 * `npm run release:pack`: what is published and signed, in `release/`: the tarball of each package, the list of what
 * each runs on (CycloneDX), and the hashes of all of them.
 */

export const releaseFolder = join(top, 'release')
export const packages = ['gatewright', 'gatewright-verifier'] as const

/** As `sha256sum --check` reads them. */
export const toSums = (folder: string): string =>
  readdirSync(folder)
    .filter(name => name !== 'SHA256SUMS')
    .sort()
    .map(
      name =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('')

const pack = (name: string): void => {
  const words = ['pack', '--workspace', name, '--pack-destination', releaseFolder, '--loglevel=error']
  execFileSync('npm', words, { cwd: top, stdio: ['ignore', 'inherit', 'inherit'] })
  writeFileSync(join(releaseFolder, `${name}.cdx.json`), `${JSON.stringify(makeSbom(name), null, 2)}\n`)
}

const main = (): void => {
  rmSync(releaseFolder, { recursive: true, force: true })
  mkdirSync(releaseFolder)
  for (const name of packages) pack(name)
  writeFileSync(join(releaseFolder, 'SHA256SUMS'), toSums(releaseFolder))
  process.stdout.write(readFileSync(join(releaseFolder, 'SHA256SUMS'), 'utf8'))
}

if (import.meta.main) main()

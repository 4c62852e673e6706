import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { top } from './top.ts'

type Json = Readonly<Record<string, unknown>>
type LockFile = Json & { readonly packages: Readonly<Record<string, Json>> }
type Sbom = Json & { readonly metadata: Json & { readonly component: Json } }

const manifests = globSync(['package.json', 'packages/*/package.json', 'apps/*/package.json'], { cwd: top })

const withoutDevelopment = ({ devDependencies: _devDependencies, ...rest }: Json): Json => rest

const readJson = (path: string): Json => JSON.parse(readFileSync(join(top, path), 'utf8'))

const toProduction = (lock: LockFile): LockFile => ({
  ...lock,
  packages: Object.fromEntries(
    Object.entries(lock.packages).map(([path, entry]) => [
      path,
      path.includes('node_modules') ? entry : withoutDevelopment(entry),
    ]),
  ),
})

const write = (folder: string, path: string, json: Json): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), JSON.stringify(json))
}

const askNpm = (folder: string, workspace: string): Sbom => {
  const words = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', `--workspace=${workspace}`]
  const options = { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20 } as const
  return JSON.parse(execFileSync('npm', words, { ...options, stdio: ['ignore', 'pipe', 'inherit'] }))
}

/**
 * The packages that a workspace runs on, as CycloneDX, made by npm from the lock file. npm gets the manifests without
 * what is for development: its own `--omit=dev` also leaves out what runs here and is listed there as well (fastify,
 * pg and 78 more). Packages for other systems are in it, as they are in the lock file.
 */
export const makeSbom = (workspace: string): Sbom => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-sbom-'))
  try {
    for (const path of manifests) write(folder, path, withoutDevelopment(readJson(path)))
    write(folder, 'package-lock.json', toProduction(readJson('package-lock.json') as LockFile))
    const sbom = askNpm(folder, workspace)
    const component = { ...sbom.metadata.component, type: 'application', name: workspace }
    return { ...sbom, metadata: { ...sbom.metadata, component } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main)
  process.stdout.write(`${JSON.stringify(makeSbom(process.argv[2] ?? 'gatewright'), null, 2)}\n`)

import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { top } from './top.ts'

/** One entry of an exports map: a file, or files by condition. */
type ExportTarget = string | null | { readonly [condition: string]: ExportTarget }

type Manifest = { readonly name: string; readonly exports?: { readonly [subpath: string]: ExportTarget } }

const readManifests = (): readonly (readonly [folder: string, manifest: Manifest])[] =>
  globSync('{packages,apps}/*/package.json', { cwd: top }).map(path => [
    posix.dirname(path),
    JSON.parse(readFileSync(join(top, path), 'utf8')) as Manifest,
  ])

/** The packages of this repository, and the names that they export with the file behind each. */
export const readPackages = (): { packages: readonly string[]; exported: ReadonlyMap<string, string> } => {
  const manifests = readManifests()
  return {
    packages: manifests.map(([, { name }]) => name),
    exported: new Map(
      manifests.flatMap(([folder, { name, exports = {} }]) =>
        Object.entries(exports).flatMap(([subpath, target]) => {
          const file = toFile(target)
          return file === undefined ? [] : [[posix.join(name, subpath), posix.join(folder, file)] as const]
        }),
      ),
    ),
  }
}

/** The source of an export: with conditions, the one called `source`, or else the first. */
const toFile = (target: ExportTarget | undefined): string | undefined => {
  if (typeof target === 'string') return target
  return target ? toFile(target.source ?? Object.values(target)[0]) : undefined
}

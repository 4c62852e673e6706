import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

/** Where `apps/console` is built into; part of the package that npm installs. */
const folder = join(import.meta.dirname, '../../console')

/** What a built file can be. Another kind is not served. */
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Best first; each stands beside the plain file under this ending. */
export const encodings = { br: '.br', gzip: '.gz' } as const
export type Encoding = keyof typeof encodings

/** A built file with its compressed forms. */
export type ConsoleFile = {
  readonly type: string
  readonly plain: Buffer
  readonly compressed: Readonly<Partial<Record<Encoding, Buffer>>>
}

export type ConsoleFiles = {
  /** The text of the one page, with its placeholders. */
  readonly page: string
  /** By name, as the page asks for them. */
  readonly assets: ReadonlyMap<string, ConsoleFile>
}

/**
 * Reads the built console once, whole: afterwards a path is a key of a map and never a path of the disk,
 * so no path can lead out of the folder. Undefined where it was not built.
 */
export const readConsoleFiles = (from = folder): ConsoleFiles | undefined => {
  const page = join(from, 'index.html')
  if (!existsSync(page)) return undefined
  const assets = join(from, 'assets')
  const names = readdirSync(assets).filter(name => extname(name) in types)
  return {
    page: readFileSync(page, 'utf8'),
    assets: new Map(names.map(name => [name, readAsset(join(assets, name))])),
  }
}

const readAsset = (path: string): ConsoleFile => ({
  type: types[extname(path)] ?? '',
  plain: readFileSync(path),
  compressed: Object.fromEntries(
    Object.entries(encodings)
      .filter(([, ending]) => existsSync(path + ending))
      .map(([name, ending]) => [name, readFileSync(path + ending)]),
  ),
})

import { createHash } from 'node:crypto'
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/*
 * For `npm start` and `npm test`: builds apps/console into the package, unless it was built from the same
 * sources and versions before. Prints a line only when it builds.
 */
const top = join(import.meta.dirname, '..')
const packaged = join(top, 'packages/gatewright/console')

const sources = ['apps/console/**/*.*', 'package-lock.json', 'tools/build-console.ts']

/** Changes with every source and every version; tests and folders of packages are no part of it. */
const hashSources = (): string => {
  const hash = createHash('sha256')
  const paths = sources.flatMap(pattern => globSync(pattern, { cwd: top, exclude: ['**/node_modules'] }))
  for (const path of paths.sort())
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(top, path)))
      .update('\0')
  return hash.digest('base64url')
}

const stampOf = (target: string): string => join(target, '.built-from')

const readStamp = (target: string): string | undefined => {
  try {
    return readFileSync(stampOf(target), 'utf8')
  } catch {
    return undefined
  }
}

/** Best compression: this is done once, and the files are sent often. */
const compress = (folder: string): void => {
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name))
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content))
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }))
  }
}

const moveAll = (from: string, to: string): readonly string[] => {
  mkdirSync(to, { recursive: true })
  const names = readdirSync(from, { withFileTypes: true }).filter(entry => entry.isFile())
  for (const { name } of names) renameSync(join(from, name), join(to, name))
  return names.map(({ name }) => name)
}

/**
 * The page goes last, so that it never names a file which is not there: a server may read the folder, and
 * another start may do the same, at any moment. What no page names any more goes after it.
 */
const publish = (built: string, target: string): void => {
  const assets = join(target, 'assets')
  const current = moveAll(join(built, 'assets'), assets)
  moveAll(built, target)
  for (const name of readdirSync(assets))
    if (!current.includes(name)) rmSync(join(assets, name), { force: true })
}

/** Builds where it is needed, and says whether it did. */
export const ensureConsole = async (target = packaged): Promise<boolean> => {
  const hash = hashSources()
  if (readStamp(target) === hash) return false
  mkdirSync(target, { recursive: true })
  const folder = mkdtempSync(join(target, '.building-'))
  try {
    const { buildConsole } = await import('../apps/console/build.ts')
    await buildConsole(folder)
    compress(join(folder, 'assets'))
    publish(folder, target)
    writeFileSync(stampOf(target), hash)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return true
}

const toText = (number: number): string => number.toFixed(number < 10 ? 1 : 0)

/** What a browser loads, in kB as it goes over the wire. */
const measure = (): number =>
  globSync('assets/*.br', { cwd: packaged }).reduce(
    (sum, path) => sum + statSync(join(packaged, path)).size / 1_000,
    0,
  )

const main = async (): Promise<void> => {
  const start = performance.now()
  if (await ensureConsole())
    console.log(`Console built in ${toText((performance.now() - start) / 1_000)} s, ${toText(measure())} kB`)
}

// Nothing waits for it: what tests load beside others must not wait while it is loaded.
if (import.meta.main) void main()

import { execFile } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { toMissing } from './missing.ts'

const run = promisify(execFile)

/** A program that can be started, with what has to stand in its environment. */
export type FoundProgram = { readonly path: string; readonly env: Readonly<Record<string, string>> }

const cache = join(import.meta.dirname, '../../node_modules/.cache/debian')

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const findIn = (folders: readonly string[], name: string): string | undefined =>
  folders.map(folder => join(folder, name)).find(isProgram)

export const findOnPath = (name: string): string | undefined =>
  findIn([...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'], name)

const download = async (folder: string, packages: readonly string[]): Promise<void> => {
  const get = (): Promise<unknown> =>
    run('apt-get', ['download', ...packages], { cwd: folder, timeout: 60_000 })
  // A new machine has no list of packages yet; who is not root can't have one made.
  await get().catch(async () => {
    await run('apt-get', ['update'], { timeout: 60_000 })
    await get()
  })
}

/** Unpacks them beside the place, and moves them there whole: several may do so at once. */
const unpack = async (name: string, packages: readonly string[], place: string): Promise<void> => {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, `${name}-`))
  try {
    await download(folder, packages)
    for (const file of readdirSync(folder).filter(file => file.endsWith('.deb')))
      await run('dpkg-deb', ['-x', join(folder, file), join(folder, 'root')])
    if (!existsSync(place)) renameSync(join(folder, 'root'), place)
  } catch (error) {
    if (!existsSync(place)) throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Where its libraries lie; systemd has a folder of its own among them. */
const listLibraries = (libraries: string): readonly string[] => {
  const folders = readdirSync(libraries).map(folder => join(libraries, folder))
  return [libraries, ...folders, ...folders.map(folder => join(folder, 'systemd')).filter(existsSync)]
}

const findUnpacked = (place: string, name: string): FoundProgram | undefined => {
  const path = findIn(
    ['usr/bin', 'usr/sbin'].map(folder => join(place, folder)),
    name,
  )
  const libraries = join(place, 'usr/lib')
  if (path === undefined) return undefined
  // A program that needs none of others brings none.
  if (!existsSync(libraries)) return { path, env: {} }
  return { path, env: { LD_LIBRARY_PATH: listLibraries(libraries).join(delimiter) } }
}

/**
 * A program from these packages of Debian and Ubuntu, unpacked into a cache folder, for which nobody needs to be
 * root, whatever is on PATH. A text says why there is none, and how to get one.
 */
export const unpackProgram = async (
  name: string,
  packages: readonly string[],
): Promise<FoundProgram | string> => {
  const place = join(cache, name)
  try {
    if (!existsSync(place)) await unpack(name, packages, place)
    const found = findUnpacked(place, name)
    if (found !== undefined) return found
  } catch {
    // What is to be done is the same, whatever it was.
  }
  return toMissing(
    `there is no ${name} on PATH, and it could not be had from Debian's packages: apt-get install ${packages[0]}`,
  )
}

/** One that is called by its name, and so has to be on PATH: undefined; else why it is not there. */
export const findInstalled = (name: string, ofPackage: string): string | undefined =>
  findOnPath(name) === undefined
    ? toMissing(`there is no ${name} on PATH: apt-get install ${ofPackage}`)
    : undefined

/** A program on PATH; else from these packages. */
export const findProgram = async (
  name: string,
  packages: readonly string[],
): Promise<FoundProgram | string> => {
  const path = findOnPath(name)
  return path === undefined ? unpackProgram(name, packages) : { path, env: {} }
}

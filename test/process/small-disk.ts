import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Folder, Server, Start } from './spawned-server.ts'

/** Mounts are seen by nobody but the process that makes them, and end with it. As another user than root, where the machine lets them. */
const namespaces = [
  ['unshare', '-m'],
  ['unshare', '-rm'],
] as const

const mayMount = ([command, ...args]: readonly [string, ...string[]]): boolean =>
  spawnSync(command, [...args, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

/** By which a disk of its own is made for one process; undefined where this machine lets nobody do so. */
export const findMounter = (): readonly [string, ...string[]] | undefined => namespaces.find(mayMount)

/** Says to start with a `./data` that is a disk of so few MiB, whose files end with the process. */
export const onSmallDisk = (
  folder: Folder,
  [command, ...args]: readonly [string, ...string[]],
  size: number,
): Pick<Start, 'through'> => {
  mkdirSync(join(folder.path, 'data'), { recursive: true })
  const script = join(folder.path, 'start.sh')
  writeFileSync(script, `mount -t tmpfs -o size=${size}m,mode=700 tmpfs data && exec "$@"\n`)
  return { through: [command, ...args, 'sh', script] }
}

/** A disk that holds the data of a running server. */
export type SmallDisk = { readonly fill: () => void; readonly makeRoom: () => void }

const fillFile = (path: string): void => {
  const file = openSync(path, 'a')
  try {
    for (;;) writeSync(file, Buffer.alloc(65_536))
  } catch {
    // What is less than a page is no room for a database.
  } finally {
    closeSync(file)
  }
}

/** Its files are seen through the process itself. */
export const diskOf = (folder: Folder, { pid }: Pick<Server, 'pid'>): SmallDisk => {
  const ballast = `/proc/${pid}/root${join(folder.path, 'data')}/ballast`
  return { fill: () => fillFile(ballast), makeRoom: () => rmSync(ballast) }
}

/** Of Debian's util-linux, as `mount` is. */
const bounder = 'prlimit'

/** Whether this machine can bound what a running process writes. */
export const mayBound = (): boolean => spawnSync(bounder, ['--version']).status === 0

/** No file of the process takes another byte: a write fails as on a disk that is broken. */
export const breakDisk = ({ pid }: Pick<Server, 'pid'>): void =>
  void execFileSync(bounder, ['--pid', String(pid), '--fsize=0:'])

export const mendDisk = ({ pid }: Pick<Server, 'pid'>): void =>
  void execFileSync(bounder, ['--pid', String(pid), '--fsize=unlimited:'])

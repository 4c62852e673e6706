import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

/** Of Debian's e2fsprogs. */
const forbidder = 'chattr'
const forbid = (sign: '+' | '-', paths: readonly string[]): boolean =>
  spawnSync(forbidder, [`${sign}i`, ...paths]).status === 0

const takesBytes = (file: number): boolean => {
  try {
    return writeSync(file, 'a') === 1
  } catch {
    return false
  }
}

/**
 * Whether files that are open can be made such that they may only be read. Root can on ext4. A disk can't be mounted
 * anew to be only read while a file of it is open to be written.
 */
export const mayForbidWrites = (): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-forbid-'))
  const path = join(folder, 'file')
  const file = openSync(path, 'a')
  try {
    return takesBytes(file) && forbid('+', [path]) && !takesBytes(file)
  } finally {
    forbid('-', [path])
    closeSync(file)
    rmSync(folder, { recursive: true })
  }
}

/**
 * While `look` looks the database and its log of writes may only be read, also by who has them open. The index of the
 * log is left as it is: it is memory that is shared, and would end with SIGBUS whoever writes to it.
 */
export const whileReadOnly = async (folder: Folder, look: () => Promise<void>): Promise<void> => {
  const files = ['gatewright.db', 'gatewright.db-wal'].map(name => join(folder.path, 'data', name))
  try {
    if (!forbid('+', files)) throw new Error(`${forbidder} has failed`)
    await look()
  } finally {
    forbid('-', files)
  }
}

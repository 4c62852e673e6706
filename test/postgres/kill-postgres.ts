import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const listByPs = (pid: number): readonly string[] =>
  String(execFileSync('ps', ['-A', '-o', 'ppid=,pid=']))
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .flatMap(([parent, child = '']) => (Number(parent) === pid ? [child] : []))

/** Each child of PostgreSQL leads a process group of its own, so they are found by their parent. */
const childrenOf = (pid: number): readonly number[] => {
  const list = `/proc/${pid}/task/${pid}/children`
  const found = existsSync(list) ? readFileSync(list, 'utf8').split(' ').filter(Boolean) : listByPs(pid)
  return found.map(Number)
}

const killOne = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}

/** Kills a server and all its processes by SIGKILL, found by its data folder. */
export const killPostgres = (folder: string): void => {
  const pid = Number.parseInt(readFileSync(join(folder, 'postmaster.pid'), 'utf8'), 10)
  for (const each of [pid, ...childrenOf(pid)]) killOne(each)
}

import { existsSync, globSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'
/** Far more than the databases of a run ever take at one time. */
const roomNeeded = 4 * 1024 ** 3
const hour = 3_600_000

const isRunning = (folder: string): boolean => {
  const file = join(folder, 'postmaster.pid')
  if (!existsSync(file)) return false
  try {
    return process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 0)
  } catch {
    return false
  }
}

/** What a run left that was interrupted: on a disk it would be in nobody's way. A folder without a server may be just made. */
const clear = (): void => {
  for (const folder of globSync(join(memory, 'gatewright-postgres-*')))
    if (Date.now() - statSync(folder).mtimeMs > hour && !isRunning(folder))
      rmSync(folder, { recursive: true, force: true })
}

/**
 * Where the server of a run keeps its data: in memory, where the machine has that and room there. A run makes
 * many hundred databases of 300 files each, and on a disk most of what the server computes is where these lie.
 */
export const findPlace = (): string => {
  if (!existsSync(memory)) return tmpdir()
  clear()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > roomNeeded ? memory : tmpdir()
}

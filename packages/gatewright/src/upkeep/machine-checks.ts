import { existsSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { second, toTimestamp } from '../ground/clock.ts'
import type { DatabaseFacts, MachineFacts, SettingsFacts } from './facts.ts'
import { type Finding, ok, problem } from './finding.ts'
import { leastNode } from './manifest.ts'

export const checkNode = (): Finding => judgeNode(process.versions.node)

export const judgeNode = (version: string): Finding => {
  const found = `Node.js ${version}`
  if (Number.parseInt(version, 10) >= leastNode) return ok(found)
  return problem({
    found,
    means: `Gatewright is made for Node.js ${leastNode} and newer; parts of it do not run here.`,
    do: `Install Node.js ${leastNode} or newer, or start it by npm, which brings the right one.`,
  })
}

/** No clock that is right shows a time before this program was written. */
const firstYear = 2026

export const checkClock = ({ clock }: Pick<MachineFacts, 'clock'>): Finding => {
  const found = toTimestamp(clock.now())
  if (new Date(clock.now()).getUTCFullYear() >= firstYear) return ok(found)
  return problem({
    found: `the clock says ${found}`,
    means: 'The clock is wrong: tokens, sessions and certificates expire at the wrong time.',
    do: 'Set the clock and keep it right, for example with: timedatectl set-ntp true',
  })
}

/** Two processes on one machine read the clock a little apart. */
const tolerance = 2 * second

export const checkClockOfAudit = async ({
  db,
  clock,
}: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding> => {
  const row = await db
    .selectFrom('audit_events')
    .select(eb => eb.fn.max('at').as('newest'))
    .executeTakeFirst()
  const newest = row?.newest ?? null
  if (newest === null) return ok('no audit event yet')
  if (newest <= clock.now() + tolerance) return ok(`newest audit event ${toTimestamp(newest)}`)
  return problem({
    found: `the newest audit event is of ${toTimestamp(newest)}, the clock says ${toTimestamp(clock.now())}`,
    means: 'The clock went back, or was ahead before: what should have expired may live longer.',
    do: 'Set the clock and keep it right, for example with: timedatectl set-ntp true',
  })
}

const leastBytes = 200 * 1_024 ** 2
const leastShare = 0.05

/** @param space both in bytes */
export const judgeSpace = ({ free, total }: { readonly free: number; readonly total: number }): Finding => {
  const share = total === 0 ? 0 : free / total
  const found = `${toSize(free)} free (${Math.floor(share * 100)} %)`
  if (free >= leastBytes && share >= leastShare) return ok(found)
  return problem({
    found,
    means: 'When the disk is full nobody can sign in or out.',
    do: `Make room, or move the database to a larger disk: ${toSize(leastBytes)} and ${leastShare * 100} % should be free.`,
  })
}

const readSpace = (folder: string): { readonly free: number; readonly total: number } => {
  const { bavail, blocks, bsize } = statfsSync(findExisting(resolve(folder)))
  return { free: bavail * bsize, total: blocks * bsize }
}

export const checkSpace = ({ folder }: Pick<SettingsFacts, 'folder'>): Finding =>
  judgeSpace(readSpace(folder))

/** The share of the folder's disk that is free; undefined where it can't be asked. */
export const readFreeShare = (folder: string): number | undefined => {
  try {
    const { free, total } = readSpace(folder)
    return total === 0 ? undefined : free / total
  } catch {
    return undefined
  }
}

/** Whether a disk has the share that should be free. One that can't be asked stops nothing. */
export const isRoom = (share: number | undefined): boolean => share === undefined || share >= leastShare

const findExisting = (folder: string): string => (existsSync(folder) ? folder : findExisting(dirname(folder)))

const toSize = (bytes: number): string =>
  bytes < 1_024 ** 3 ? `${Math.floor(bytes / 1_024 ** 2)} MB` : `${(bytes / 1_024 ** 3).toFixed(1)} GB`

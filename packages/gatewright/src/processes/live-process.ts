import { second } from '../ground/clock.ts'
import type { Database, ProcessRow } from '../storage/tables.ts'

/** How often a process writes that it lives. */
export const beatInterval = 5 * second
/**
 * A process that has not written for so long is silent: it makes nothing, and is taken out by the next one that
 * was itself heard all that time. Long enough for a machine that is busy; short enough that a killed process
 * holds up no change of the secret for long.
 */
export const longestSilence = 30 * second
/** So long after its last beat a process makes values by what it knows in memory. */
export const longestLease = 15 * second
/**
 * So long what was begun by memory has to be committed: more than a statement gets, and a wait for a lock has a
 * third of it.
 */
export const longestWork = longestSilence - longestLease

/** A process as the register has it. */
export type LiveProcess = {
  readonly id: string
  readonly kind: 'server' | 'command'
  readonly version: string
  readonly host: string
  readonly machine: string
  /** Newest first. */
  readonly secretIds: readonly string[]
  /** The secret in force, once all that it had begun with the one before is committed (`longestWork`). */
  readonly makesWith: string
  readonly feedKinds: readonly string[]
  /** Milliseconds; null where the machine's clock is the database's. */
  readonly clockDifference: number | null
  /** A row of `addressTroubles`, or of a newer version's. */
  readonly addressTrouble: string | null
  readonly startedAt: number
  readonly seenAt: number
}

const toWords = (text: string): readonly string[] => text.split(' ').filter(word => word !== '')

const toLiveProcess = (row: ProcessRow): LiveProcess => ({
  id: row.id,
  kind: row.kind === 'command' ? 'command' : 'server',
  version: row.version,
  host: row.host,
  machine: row.machine,
  secretIds: toWords(row.secret_ids),
  makesWith: row.makes_with,
  feedKinds: toWords(row.feed_kinds),
  clockDifference: row.clock_difference,
  addressTrouble: row.address_trouble,
  startedAt: row.started_at,
  seenAt: row.seen_at,
})

export const toProcessRow = (process: LiveProcess): ProcessRow => ({
  id: process.id,
  kind: process.kind,
  version: process.version,
  host: process.host,
  machine: process.machine,
  secret_ids: process.secretIds.join(' '),
  makes_with: process.makesWith,
  feed_kinds: process.feedKinds.join(' '),
  clock_difference: process.clockDifference,
  address_trouble: process.addressTrouble,
  started_at: process.startedAt,
  seen_at: process.seenAt,
})

/**
 * The secrets that a process may still be making values with: the one that it has noted, and by its own order
 * what has come into force since, which it may have used before it took up the next.
 */
export const listMayMakeWith = (
  { secretIds, makesWith }: LiveProcess,
  inForce: string,
): readonly string[] => [
  makesWith,
  ...secretIds.slice(secretIds.indexOf(inForce) + 1, Math.max(0, secretIds.indexOf(makesWith))),
]

/** One whose beat lies ahead is live: a clock that was set back makes nobody dead. */
export const isSilent = ({ seenAt }: LiveProcess, now: number): boolean => seenAt < now - longestSilence

/** Every process of the register, silent ones included, oldest first. */
export const readProcesses = async (db: Database): Promise<readonly LiveProcess[]> => {
  const rows = await db.selectFrom('processes').selectAll().orderBy('started_at').orderBy('id').execute()
  return rows.map(toLiveProcess)
}

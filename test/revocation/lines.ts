import { systemRandom } from 'gatewright/random'
import { openWakeLines, type WakeLines } from '../../packages/gatewright/src/revocation/wake-lines.ts'
import { openDatabases } from '../../packages/gatewright/src/storage/database.ts'
import type { Database } from '../../packages/gatewright/src/storage/tables.ts'

type Owner = { readonly after: (end: () => Promise<void>) => void }

/** What wakes one process, with how often each did. */
export type Listening = {
  readonly lines: WakeLines
  readonly db: Database
  /** By each line, and last by time alone. */
  readonly wakes: readonly number[]
  readonly log: readonly string[]
  readonly works: () => boolean
}

/** Opens the lines as a process does, and counts. */
export const listen = (
  owner: Owner,
  { databaseUrl, valkeyUrl, epoch = 'one' }: { databaseUrl: string; valkeyUrl?: string; epoch?: string },
): Listening => {
  const databases = openDatabases({ databaseUrl, databasePool: 2 }, 'off')
  const settings = { databaseUrl, valkeyUrl }
  const lines = openWakeLines({ settings, watch: databases.watch, random: systemRandom, epoch })
  const log: string[] = []
  const note = (fields: object, message: string): void =>
    void log.push(`${message} ${JSON.stringify(fields)}`)
  lines.tell({ info: note, warn: note })
  const wakes = lines.wakers.map(() => 0)
  const stops = lines.wakers.map((start, at) => start(() => (wakes[at] = (wakes[at] ?? 0) + 1)))
  owner.after(async () => {
    for (const stop of stops) stop()
    await lines.close()
    await databases.close()
  })
  return { lines, db: databases.db, wakes, log, works: () => lines.states().every(({ works }) => works) }
}

import { type Kysely, sql } from 'kysely'
import { type Clock, second } from '../ground/clock.ts'

/** How far the database's time is ahead of the machine's, known to within `error` (milliseconds, as always). */
export type Measurement = { readonly offset: number; readonly error: number }

const measure = async <T>(db: Kysely<T>, machine: Clock): Promise<Measurement> => {
  const sent = { at: machine.monotonic(), wall: machine.now() }
  const { rows } = await sql<{ now: number }>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`.execute(db)
  const error = (machine.monotonic() - sent.at) / 2
  return { offset: (rows[0]?.now ?? Number.NaN) - sent.wall - error, error }
}

const samples = 5

/** The best of a few: the shorter the way there and back, the less can be wrong. */
export const measureOffset = async <T>(db: Kysely<T>, machine: Clock): Promise<Measurement> => {
  let best = await measure(db, machine)
  for (let sample = 1; sample < samples; sample++) {
    const next = await measure(db, machine)
    if (next.error < best.error) best = next
  }
  return best
}

/** What was known is kept as far as the new measurement allows it: a slow answer says little. */
const refine = (offset: number, { offset: measured, error }: Measurement): number =>
  Math.min(Math.max(offset, measured - error), measured + error)

export type DatabaseClock = Clock & { readonly difference: () => number; readonly stop: () => void }

/** How often the database is asked for its time. */
const defaultInterval = 5 * second

/**
 * The time of the database, told by this machine's clock and what was measured between the two: the same
 * for every process on it, however wrong their machines are. While the database is away the last offset
 * holds.
 *
 * Never runs backwards. Where it must go back, it runs at half its pace until it is right again.
 *
 * `db` is asked at the start, where there is time, and `watch` from then on.
 */
export const openDatabaseClock = async <T>(
  { db, watch }: { readonly db: Kysely<T>; readonly watch: Kysely<T> },
  machine: Clock,
  interval = defaultInterval,
): Promise<DatabaseClock> => {
  let { offset } = await measureOffset(db, machine)
  let isStopped = false
  let [told, toldAt] = [Number.NEGATIVE_INFINITY, machine.monotonic()]

  const target = (): number => machine.now() + offset
  const now = (): number => {
    const at = machine.monotonic()
    told = Math.max(target(), told + (at - toldAt) / 2)
    toldAt = at
    return Math.floor(told)
  }
  const sample = async (): Promise<void> => {
    offset = refine(offset, await measureOffset(watch, machine))
  }
  const follow = async (): Promise<void> => {
    await machine.sleep(interval)
    while (!isStopped) {
      await sample().catch(() => {})
      await machine.sleep(interval)
    }
  }
  void follow()
  return {
    now,
    monotonic: machine.monotonic,
    behind: () => Math.max(0, now() - target()),
    sleep: machine.sleep,
    difference: () => Math.abs(offset + machine.behind()),
    stop: () => {
      isStopped = true
    },
  }
}

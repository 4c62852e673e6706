import { type Clock, second, timeAsSet } from '../ground/clock.ts'
import type { CountedRow } from './counted-rows.ts'
import type { CounterStore, Sum } from './counter-store.ts'
import { toMicroseconds } from './gcra.ts'
import type { Counter } from './memory-counters.ts'
import type { Tally } from './memory-rows.ts'

/** What several processes let through of fast rows, added up in the background. */
export type SharedSums = {
  readonly tally: Tally
  /** Tells what was let through here, and hears what was everywhere; by itself once a second. Never rejects. */
  readonly addUp: () => Promise<void>
  readonly stop: () => Promise<void>
}

export type SharedSumsDependencies = {
  readonly store: Pick<CounterStore, 'add'>
  /** `now` is the same for all processes. */
  readonly clock: Pick<Clock, 'now' | 'behind' | 'monotonic'>
  readonly hashKey: (text: string) => string
  /** How many other servers live on the database. */
  readonly otherServers: () => number
}

const interval = second
/** Of what is older, only what has not drained since is still told. */
const oldest = toMicroseconds(2 * interval)
/** Sums of several processes arrive in another order than requests did, and clocks differ a little. */
const slack = toMicroseconds(3 * interval)
/** Keys that are remembered until the next turn, told in one, and told in one statement. */
const [mostNoted, mostTold, toldAtOnce] = [10_000, 500, 100]
/** A key that gets less of its rate here than this part of an equal share is not told. */
const leastPart = 8
/** Each server may let a burst through before it hears of others; so many times those that are known may have. */
const mostServers = 2

type Noted = { readonly row: CountedRow; readonly counter: Counter }
type Told = Noted & Sum & { readonly since: number; readonly weight: number }

/**
 * Once a second, what was let through of the busiest keys since (how much, and since when) is added to a
 * counter that all processes share, and where that stands is heard.
 *
 * No caller under its limit is refused by it. The shared counter takes each sum as if it had come at once, at
 * its beginning: `max(counter, since) + amount`. Had all requests been counted one by one in the order in which
 * they came, the result could be lower only by as much as sums overtake each other, which is less than `slack`,
 * and a process goes by the counter less that. Of a sum that is older than two turns, what has drained
 * meanwhile is left out, so nothing overtakes by more. While the store is away every process counts alone:
 * what could not be told is dropped, for it may have arrived all the same.
 */
export const createSharedSums = ({
  store,
  clock,
  hashKey,
  otherServers,
}: SharedSumsDependencies): SharedSums => {
  let noted: Noted[] = []
  let isOn = false
  let adding: Promise<void> | undefined

  const note: Tally['note'] = (row, counter, now, count) => {
    if (!isOn || counter.key === '') return
    if (counter.shared > 0) counter.shared = Math.max(counter.shared, now) + count * row.pace.step
    if (!counter.isNoted) {
      if (noted.length === mostNoted) return
      counter.isNoted = true
      counter.unsentSince = now
      noted.push({ row, counter })
    }
    counter.unsent += count
  }

  /** What is worth telling, the weightiest first. */
  const collect = (): readonly Told[] => {
    const now = toMicroseconds(clock.monotonic())
    const servers = otherServers() + 1
    const least = toMicroseconds(interval) / (leastPart * servers)
    const told: Told[] = []
    for (const { row, counter } of noted) {
      const drained = Math.max(0, now - counter.unsentSince - oldest)
      const amount = counter.unsent * row.pace.step - drained
      const isBack = counter.unsent < 0
      counter.isNoted = false
      counter.unsent = 0
      if (isBack || amount >= least)
        told.push({
          row,
          counter,
          amount,
          capacity: mostServers * servers * (row.pace.capacity + slack),
          since: counter.unsentSince + drained,
          weight: Math.abs(amount) / row.pace.capacity,
          key: hashKey(`${row.policy} ${counter.key}`),
        })
    }
    noted = []
    return told.length <= mostTold ? told : told.sort((a, b) => b.weight - a.weight).slice(0, mostTold)
  }

  /** What was let through here meanwhile is not in what was heard. */
  const hear = ({ row, counter }: Told, shared: number): void => {
    counter.shared =
      counter.unsent === 0 ? shared : Math.max(shared, counter.unsentSince) + counter.unsent * row.pace.step
  }

  const tell = async (told: readonly Told[]): Promise<void> => {
    // One beginning for all of them, the earliest: that makes no counter higher.
    const since = told.reduce((earliest, one) => Math.min(earliest, one.since), Number.POSITIVE_INFINITY)
    const ahead = toMicroseconds(timeAsSet(clock)) - toMicroseconds(clock.monotonic())
    const tats = await store.add(told, since + ahead)
    for (const [place, one] of told.entries()) hear(one, (tats[place] ?? 0) - ahead)
  }

  const addAll = async (): Promise<void> => {
    isOn = otherServers() > 0
    const told = collect()
    for (let at = 0; at < told.length; at += toldAtOnce) await tell(told.slice(at, at + toldAtOnce))
  }

  const addUp = (): Promise<void> => {
    adding ??= addAll()
      .catch(() => {})
      .finally(() => {
        adding = undefined
      })
    return adding
  }
  const timer = setInterval(addUp, interval).unref()
  isOn = otherServers() > 0

  return {
    tally: { note, slack },
    addUp,
    stop: async () => {
      clearInterval(timer)
      await adding
    },
  }
}

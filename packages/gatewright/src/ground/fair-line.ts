/** Somebody who asks for a place in a line. */
export type Newcomer = {
  /** Places and turns are shared out by it: an address group, a user. */
  readonly group: string
  /** Has shown who they are; else a stranger. */
  readonly isKnown: boolean
}

/** Somebody who waits in a line. */
export type Waiter = Newcomer & {
  /** Its turn has come. */
  readonly enter: () => void
  /** Its place went to another one. */
  readonly giveWay: () => void
}

/** See {@link createFairLine}. */
export type FairLine = {
  /** Whether it would find a place now. */
  readonly hasPlaceFor: (newcomer: Newcomer) => boolean
  /** False where there is no place. One of a larger group may have to give way. */
  readonly join: (waiter: Waiter) => boolean
  /** Nothing happens where it does not wait any more. */
  readonly leave: (waiter: Waiter) => void
  /** Takes out whose turn it is. */
  readonly next: () => Waiter | undefined
  readonly size: () => number
}

/** By name, the group whose turn is next in front. None is empty. */
type Groups = Map<string, Waiter[]>

const largestOf = (lines: readonly Groups[]): readonly Waiter[] =>
  lines
    .flatMap(groups => [...groups.values()])
    .reduce<readonly Waiter[]>((largest, group) => (group.length > largest.length ? group : largest), [])

const takeOut = (groups: Groups, { group: name }: Newcomer, at: number): void => {
  const group = groups.get(name)
  group?.splice(at, 1)
  if (group?.length === 0) groups.delete(name)
}

/**
 * A line with so many places, shared fairly by group.
 *
 * Turns go round: one of each group, in the order in which they came, so nobody waits behind all of a flood.
 * While both wait, the known and strangers have every other turn.
 * Strangers have all places but `kept`. In a full line a newcomer has the last place of the largest group, if
 * that still has no fewer than the newcomer's then: so one group can't keep others out, and a flood of
 * groups turns nobody away who waits.
 */
export const createFairLine = (most: number, kept: number): FairLine => {
  const known: Groups = new Map()
  const strangers: Groups = new Map()
  const counts = { known: 0, strangers: 0 }
  let isTurnOfKnown = true

  const groupsOf = ({ isKnown }: Newcomer): Groups => (isKnown ? known : strangers)
  const count = ({ isKnown }: Newcomer, by: number): void => {
    counts[isKnown ? 'known' : 'strangers'] += by
  }
  const size = (): number => counts.known + counts.strangers

  const remove = (waiter: Waiter): boolean => {
    const groups = groupsOf(waiter)
    const at = groups.get(waiter.group)?.indexOf(waiter) ?? -1
    if (at < 0) return false
    takeOut(groups, waiter, at)
    count(waiter, -1)
    return true
  }

  const haveStrangersTheirs = (): boolean => counts.strangers >= most - kept
  const isFullFor = ({ isKnown }: Newcomer): boolean => size() >= most || (!isKnown && haveStrangersTheirs())

  /** Who has to give way to it, if anybody. */
  const findLast = (newcomer: Newcomer): Waiter | undefined => {
    const isAmongStrangers = !newcomer.isKnown && haveStrangersTheirs()
    const largest = largestOf(isAmongStrangers ? [strangers] : [strangers, known])
    const own = groupsOf(newcomer).get(newcomer.group)?.length ?? 0
    return largest.length > own + 1 ? largest.at(-1) : undefined
  }

  const makeRoom = (newcomer: Newcomer): boolean => {
    const last = findLast(newcomer)
    if (last === undefined) return false
    remove(last)
    last.giveWay()
    return true
  }

  return {
    hasPlaceFor: newcomer => !isFullFor(newcomer) || findLast(newcomer) !== undefined,
    join: waiter => {
      if (isFullFor(waiter) && !makeRoom(waiter)) return false
      const groups = groupsOf(waiter)
      const group = groups.get(waiter.group)
      if (group === undefined) groups.set(waiter.group, [waiter])
      else group.push(waiter)
      count(waiter, 1)
      return true
    },
    leave: remove,
    next: () => {
      const groups = (isTurnOfKnown && known.size > 0) || strangers.size === 0 ? known : strangers
      const [first] = groups
      if (first === undefined) return undefined
      const [name, group] = first
      const [waiter] = group
      isTurnOfKnown = groups === strangers
      groups.delete(name)
      if (group.length > 1) groups.set(name, group.slice(1))
      if (waiter !== undefined) count(waiter, -1)
      return waiter
    },
    size,
  }
}

/** Chance that comes out the same for the same seed. Never for a secret: whoever knows the seed knows all. */
export type Dice = {
  /** A whole number below this one. */
  readonly below: (bound: number) => number
  /** Whether something happens that does so in this share of all cases. */
  readonly happens: (share: number) => boolean
  readonly pick: <Item>(items: readonly [Item, ...Item[]]) => Item
  /** So many letters and digits. */
  readonly text: (length: number) => string
}

/** Mulberry32: one number of 32 bits is all that it remembers. */
const createNumbers = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'

export const createDice = (seed: number): Dice => {
  const next = createNumbers(seed)
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    below,
    happens: share => next() < share,
    pick: items => items[below(items.length)] ?? items[0],
    text: length => Array.from({ length }, () => letters[below(letters.length)]).join(''),
  }
}

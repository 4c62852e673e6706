import { second } from '../ground/clock.ts'

/** Ids, each with a time in milliseconds. */
export type IdTimes = {
  readonly has: (id: string) => boolean
  /** An id of 128 bits has its time rounded up to a second. */
  readonly get: (id: string) => number | undefined
  readonly set: (id: string, time: number) => void
  readonly entries: () => Iterable<readonly [string, number]>
  /** Takes out a part of those whose time is before `now`. @returns whether the last part was looked at */
  readonly prune: (now: number) => boolean
}

/** The values of base64url's characters; 64 for every other. */
const digits = new Uint8Array(128).fill(64)
for (let value = 0; value < 64; value++)
  digits[
    Buffer.of(value << 2)
      .toString('base64url')
      .charCodeAt(0)
  ] = value

const idLength = 22

/** The 128 bits of an id as `newId` makes it, in four words. False for any other text. */
const parse = (id: string, into: Uint32Array): boolean => {
  if (id.length !== idLength) return false
  let [bits, held, word] = [0, 0, 0]
  for (let at = 0; at < idLength; at++) {
    const digit = digits[id.charCodeAt(at)] ?? 64
    if (digit === 64) return false
    if (held + 6 < 32) {
      bits = (bits << 6) | digit
      held += 6
      continue
    }
    const rest = held + 6 - 32
    into[word++] = (bits << (32 - held)) | (digit >>> rest)
    bits = digit & ((1 << rest) - 1)
    held = rest
  }
  // What is left of the last digit names nothing: one id has one text.
  return bits === 0
}

const toText = (words: Uint32Array): string => {
  const bytes = Buffer.alloc(16)
  for (const [at, word] of words.entries()) bytes.writeUInt32BE(word, 4 * at)
  return bytes.toString('base64url')
}

/** Four words of the id and one of its time, in seconds; a slot is free where that is 0. */
const slotSize = 5
const timeAt = 4
const leastCapacity = 1_024
/** So many slots are looked at in one go: a million would hold up every request. */
const prunedAtOnce = 10_000

/**
 * Ids of 128 random bits take 20 bytes each in one block of memory, where a `Map` of texts takes more than
 * 200: a million cut-offs are 40 MB. Open addressing; the hash is a part of the id, which nobody can choose.
 * Any other text is kept in a `Map`.
 */
export const createIdTimes = (): IdTimes => {
  const others = new Map<string, number>()
  const key = new Uint32Array(4)
  let capacity = leastCapacity
  let slots = new Uint32Array(capacity * slotSize)
  let size = 0
  let cursor = 0

  const isFree = (slot: number): boolean => slots[slot * slotSize + timeAt] === 0
  const next = (slot: number): number => (slot + 1) & (capacity - 1)
  const homeOf = (slot: number): number => (slots[slot * slotSize] ?? 0) & (capacity - 1)
  const isKeyAt = (slot: number): boolean => {
    const at = slot * slotSize
    return (
      slots[at] === key[0] && slots[at + 1] === key[1] && slots[at + 2] === key[2] && slots[at + 3] === key[3]
    )
  }
  /** The slot that has the key, or is free for it. */
  const find = (): number => {
    let slot = (key[0] ?? 0) & (capacity - 1)
    while (!isFree(slot) && !isKeyAt(slot)) slot = next(slot)
    return slot
  }

  const resize = (to: number): void => {
    const old = slots
    ;[capacity, slots, cursor] = [to, new Uint32Array(to * slotSize), 0]
    for (let at = 0; at < old.length; at += slotSize) {
      if (old[at + timeAt] === 0) continue
      key.set(old.subarray(at, at + 4))
      slots.set(old.subarray(at, at + slotSize), find() * slotSize)
    }
  }

  /** Those behind it move up, so that none is cut off from its home. */
  const take = (slot: number): void => {
    let hole = slot
    for (let other = next(hole); !isFree(other); other = next(other)) {
      const distance = (other - homeOf(other)) & (capacity - 1)
      if (distance < ((other - hole) & (capacity - 1))) continue
      slots.copyWithin(hole * slotSize, other * slotSize, (other + 1) * slotSize)
      hole = other
    }
    slots.fill(0, hole * slotSize, (hole + 1) * slotSize)
    size -= 1
  }

  const setKey = (time: number): void => {
    const slot = find()
    if (isFree(slot)) {
      slots.set(key, slot * slotSize)
      size += 1
    }
    slots[slot * slotSize + timeAt] = Math.max(1, Math.ceil(time / second))
    if (size * 4 > capacity * 3) resize(capacity * 2)
  }

  /** Whether the slots have all been looked at since the last time they were. */
  const pruneSlots = (now: number): boolean => {
    for (let looked = 0; looked < prunedAtOnce; looked++, cursor++) {
      if (cursor >= capacity) {
        cursor = 0
        if (capacity > leastCapacity && size * 8 < capacity) resize(capacity / 2)
        return true
      }
      while (!isFree(cursor) && (slots[cursor * slotSize + timeAt] ?? 0) * second < now) take(cursor)
    }
    return false
  }

  function* entries(): Generator<readonly [string, number]> {
    yield* others
    for (let at = 0; at < slots.length; at += slotSize) {
      const time = slots[at + timeAt]
      if (time) yield [toText(slots.subarray(at, at + 4)), time * second]
    }
  }

  return {
    has: id => (parse(id, key) ? size > 0 && !isFree(find()) : others.has(id)),
    get: id => {
      if (!parse(id, key)) return others.get(id)
      const time = slots[find() * slotSize + timeAt]
      return time === 0 || time === undefined ? undefined : time * second
    },
    set: (id, time) => {
      if (parse(id, key)) setKey(time)
      else others.set(id, time)
    },
    entries,
    prune: now => {
      for (const [id, time] of others) if (time < now) others.delete(id)
      return pruneSlots(now)
    },
  }
}

/** What is remembered of a token must say whose it is and when it is over (milliseconds). */
type Remembered = { readonly sessionId: string; readonly expiresAt: number }

export type Bounds = {
  readonly entries: number
  /** Estimated: a text, and what was read from it. */
  readonly bytes: number
  readonly ofSession: number
}

/**
 * A process that nobody knows may show it any number of good tokens: more than these are looked at anew.
 * A session needs one token at a time, and a few where tabs refresh at once.
 */
export const usualBounds: Bounds = { entries: 10_000, bytes: 32 * 1_024 * 1_024, ofSession: 4 }

/** Measured: an entry takes at most this much, whether its token is a usual one or made of as many roles as fit. */
export const weigh = (text: string): number => 1_024 + 2 * text.length

export type VerifiedTokens<Token> = {
  /** By the whole text: nothing is hashed, cut off or left out, so no other text can be taken for it. */
  readonly find: (text: string) => Token | undefined
  /** Only for what follows from the text. One that has expired by then is left out. */
  readonly remember: (text: string, token: Token, now: number) => void
  /** Forgets all of which this is true, such as those of one key. */
  readonly forget: (isMeant: (token: Token) => boolean) => void
  readonly count: () => number
}

type Entry<Token> = readonly [text: string, token: Token]

/**
 * Goes round and round a map, from the oldest entry on. It must be called as the map changes: an iterator
 * that stands still keeps every table that the map has outgrown.
 */
const walkAround = <Token>(map: ReadonlyMap<string, Token>): (() => Entry<Token> | undefined) => {
  let at = map.entries()
  return () => {
    const next = at.next()
    if (!next.done) return next.value
    at = map.entries()
    return at.next().value
  }
}

/** How many entries each new one looks at, so that expired ones go sooner than new ones come. */
const looks = 2

/** What part is left where there were too many. */
const kept = 15 / 16

/**
 * Tokens whose signature was found good, by their text. The oldest go first where they are too many or too
 * large, and a session has but a few places: whoever refreshes in a loop pushes out nobody else. Expired ones
 * go as new ones come, without timers. Finding changes nothing.
 */
export const createVerifiedTokens = <Token extends Remembered>(
  bounds: Bounds = usualBounds,
): VerifiedTokens<Token> => {
  const tokens = new Map<string, Token>()
  const textsOf = new Map<string, readonly string[]>()
  const next = walkAround(tokens)
  let bytes = 0

  const drop = ([text, { sessionId }]: Entry<Token>): void => {
    if (!tokens.delete(text)) return
    bytes -= weigh(text)
    const others = textsOf.get(sessionId)?.filter(other => other !== text) ?? []
    if (others.length > 0) textsOf.set(sessionId, others)
    else textsOf.delete(sessionId)
  }

  const dropExpired = (now: number): void => {
    for (let looked = 0; looked < looks; looked++) {
      const entry = next()
      if (entry !== undefined && entry[1].expiresAt <= now) drop(entry)
    }
  }

  /** Some at once: finding the oldest passes all that were dropped before it. */
  const dropOldest = (): void => {
    if (tokens.size <= bounds.entries && bytes <= bounds.bytes) return
    for (const entry of tokens) {
      if (tokens.size <= bounds.entries * kept && bytes <= bounds.bytes * kept) return
      drop(entry)
    }
  }

  /** The session's texts, after one has made room where it has as many as it may. */
  const makeRoomOf = (sessionId: string): readonly string[] => {
    const texts = textsOf.get(sessionId) ?? []
    const [first] = texts
    const token = first === undefined ? undefined : tokens.get(first)
    if (texts.length < bounds.ofSession || first === undefined || token === undefined) return texts
    drop([first, token])
    return texts.slice(1)
  }

  return {
    find: text => tokens.get(text),
    remember: (text, token, now) => {
      dropExpired(now)
      if (token.expiresAt <= now || tokens.has(text)) return
      textsOf.set(token.sessionId, [...makeRoomOf(token.sessionId), text])
      tokens.set(text, token)
      bytes += weigh(text)
      dropOldest()
    },
    forget: isMeant => {
      for (const entry of tokens) if (isMeant(entry[1])) drop(entry)
    },
    count: () => tokens.size,
  }
}

/** How easily a password is guessed. */
export type Strength = {
  /** 0 to 4: fewer than 10³, 10⁶, 10⁸ and 10¹⁰ guesses, or more. */
  readonly score: number
  /** What is wrong with it, as a sentence in English; null where nothing is. */
  readonly warning: string | null
  /** What would help, as sentences in English. */
  readonly suggestions: readonly string[]
}

/** A new password is refused below this score: 10⁸ guesses must not find it. */
export const leastScore = 3
/** And below this one for whoever shows a second factor as well: as eight random characters have it. */
export const leastScoreBesideFactor = 2

/** Where a password is looked at for its strength: the code points from its beginning on. */
export const strengthLength = 64

/** What must be left of a password without the words of its user and service, in code points. */
export const leastBesideOwnWords = 8

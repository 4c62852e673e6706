/**
 * The same function, whose answers are kept by the text that they follow from: never more than `most`, and then
 * none, so that whoever sends ever new texts costs no more than without. An answer that is undefined is not kept.
 *
 *     const parse = remembered(parseAddress, 10_000)
 */
export const remembered = <Answer>(
  make: (text: string) => Answer,
  most: number,
): ((text: string) => Answer) => {
  const known = new Map<string, Answer>()
  return text => {
    const found = known.get(text)
    if (found !== undefined) return found
    const made = make(text)
    if (made === undefined) return made
    if (known.size >= most) known.clear()
    known.set(text, made)
    return made
  }
}

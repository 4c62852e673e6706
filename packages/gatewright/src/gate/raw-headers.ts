const none: readonly string[] = Object.freeze([])

/** All values of a header, as they arrived: of some, Node.js keeps only the first. The name in lower case. */
export const valuesOf = (rawHeaders: readonly string[], name: string): readonly string[] => {
  let values: string[] | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const shown = rawHeaders[at] as string
    if (shown.length !== name.length || shown.toLowerCase() !== name) continue
    values ??= []
    values.push(rawHeaders[at + 1] as string)
  }
  return values ?? none
}

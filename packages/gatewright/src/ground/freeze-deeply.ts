/** Freezes plain data in place, with all that it holds. */
export const freezeDeeply = <T extends object>(value: T): T => {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freezeDeeply(part)
  return Object.freeze(value)
}

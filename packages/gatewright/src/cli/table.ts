/** Lines of cells in columns as wide as their widest cell, two spaces between; the last one is not filled. */
export const toTable = (rows: readonly (readonly string[])[]): readonly string[] => {
  const clean = rows.map(row => row.map(printable))
  const widths = (clean[0] ?? []).map((_, column) =>
    Math.max(...clean.map(row => widthOf(row[column] ?? ''))),
  )
  return clean.map(row =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/**
 * Control characters could move the cursor of whoever reads this and rewrite what stands above; marks of direction
 * could show the rest of a line in another order.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

export const printable = (text: string): string => text.replaceAll(unprintable, '?')

/** The same of JSON, of which nothing is lost: there it is written as an escape. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    unprintable,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const marks = /\p{Mn}/gu
/** East Asian wide characters take two cells of a terminal (UAX #11). */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/gu

const widthOf = (text: string): number => {
  const bare = text.replaceAll(marks, '')
  return [...bare].length + (bare.match(wide)?.length ?? 0)
}

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

/** Control characters could move the cursor of whoever reads this and rewrite what stands above. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?')

const marks = /\p{Mn}/gu
/** East Asian wide characters take two cells of a terminal (UAX #11). */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/gu

const widthOf = (text: string): number => {
  const bare = text.replaceAll(marks, '')
  return [...bare].length + (bare.match(wide)?.length ?? 0)
}

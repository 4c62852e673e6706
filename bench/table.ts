/** The middle one of the figures. */
export const median = (figures: readonly number[]): number =>
  [...figures].sort((a, b) => a - b)[figures.length >> 1] ?? Number.NaN

/** A line of a Markdown table. */
export const toRow = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

/** The head of a Markdown table, its first column text and the others numbers. */
export const toHead = (columns: readonly string[]): string =>
  [toRow(columns), toRow(['---', ...columns.slice(1).map(() => '--:')])].join('\n')

const day = 24 * 60 * 60 * 1_000

/** By the clock of the browser, which tests move by the browser's own means. */
export const daysFromNow = (days: number): string => new Date(Date.now() + days * day).toISOString()

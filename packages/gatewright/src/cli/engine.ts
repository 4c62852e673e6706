import type { ComposeOptions, Engine } from '../compose.ts'
import { loadStartSettings } from '../ground/start-settings.ts'

/**
 * Runs `use` on the engine, beside a running server or without one, and closes everything.
 * Only what makes the first user makes a database: elsewhere a wrong path would look like an empty one.
 */
export const withEngine = async <T>(
  database: 'is made' | 'must exist',
  use: (engine: Engine) => Promise<T>,
  options: Pick<ComposeOptions, 'adopts'> = {},
): Promise<T> => {
  const { settings, sources } = loadStartSettings()
  const { findDatabase } = await import('../storage/find-database.ts')
  if (database === 'must exist') await findDatabase(settings.databaseUrl)
  const { compose } = await import('../compose.ts')
  const engine = await compose({ settings, sources, kind: 'command', ...options })
  try {
    return await use(engine)
  } finally {
    await engine.close()
  }
}

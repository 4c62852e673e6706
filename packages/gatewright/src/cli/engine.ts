import { existsSync } from 'node:fs'
import type { Engine } from '../compose.ts'
import { Refusal } from '../ground/refusal.ts'
import { loadStartSettings } from '../ground/start-settings.ts'

/**
 * Runs `use` on the engine, beside a running server or without one, and closes everything.
 * Only what makes the first user makes a database: elsewhere a wrong path would look like an empty one.
 */
export const withEngine = async <T>(
  database: 'is made' | 'must exist',
  use: (engine: Engine) => Promise<T>,
): Promise<T> => {
  const settings = loadStartSettings()
  const { databaseFile, isPostgresUrl } = await import('../storage/database.ts')
  const file = databaseFile(settings.databaseUrl)
  if (database === 'must exist' && !isPostgresUrl(settings.databaseUrl) && !existsSync(file))
    throw new Refusal('not_found', {
      detail: `There is no database at ${file}. The first start makes it; if there should be one, check DATABASE_URL and the working folder.`,
    })
  const { compose } = await import('../compose.ts')
  const engine = await compose({ settings })
  try {
    return await use(engine)
  } finally {
    await engine.close()
  }
}

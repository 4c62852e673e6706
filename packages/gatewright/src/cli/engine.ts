import { existsSync } from 'node:fs'
import type { Engine } from '../compose.ts'
import { loadSettings, SettingsError } from '../ground/load-settings.ts'
import { productionErrors } from '../ground/production-rules.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Settings } from '../ground/settings.ts'

/** As a start reads them: what would stop the server stops a command that changes its data. */
const readSettings = (): Settings => {
  const { settings, sources } = loadSettings()
  const errors = productionErrors(settings, sources)
  if (errors.length > 0) throw new SettingsError(errors)
  return settings
}

/**
 * Runs `use` on the engine, beside a running server or without one, and closes everything.
 * Only what makes the first user makes a database: elsewhere a wrong path would look like an empty one.
 */
export const withEngine = async <T>(
  database: 'is made' | 'must exist',
  use: (engine: Engine) => Promise<T>,
): Promise<T> => {
  const settings = readSettings()
  const { databaseFile } = await import('../storage/database.ts')
  const file = databaseFile(settings.databaseUrl)
  if (database === 'must exist' && !existsSync(file))
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

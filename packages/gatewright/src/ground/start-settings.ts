import { loadSettings, SettingsError } from './load-settings.ts'
import { productionErrors } from './production-rules.ts'
import type { Settings } from './settings.ts'

/**
 * The settings as a start reads them, production's rules included. What would stop the server also stops
 * a command that changes its data.
 * @throws SettingsError with every line that says what to write
 */
export const loadStartSettings = (): Settings => {
  const { settings, sources } = loadSettings()
  const errors = productionErrors(settings, sources)
  if (errors.length > 0) throw new SettingsError(errors)
  return settings
}

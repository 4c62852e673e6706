import { type LoadedSettings, loadSettings, SettingsError } from './load-settings.ts'
import { productionErrors } from './production-rules.ts'

/**
 * The settings as a start reads them, production's rules included. What would stop the server also stops
 * a command that changes its data.
 * @throws SettingsError with every line that says what to write
 */
export const loadStartSettings = (): LoadedSettings => {
  const loaded = loadSettings()
  const errors = productionErrors(loaded.settings, loaded.sources)
  if (errors.length > 0) throw new SettingsError(errors)
  return loaded
}

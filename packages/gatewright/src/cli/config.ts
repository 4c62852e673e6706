import { describeSettings, loadSettings } from '../ground/load-settings.ts'
import { productionErrors, productionReasons } from '../ground/production-rules.ts'
import { defineCommand } from './command.ts'
import { toTable } from './table.ts'

export const config = defineCommand({
  name: 'config',
  summary: 'Prints the settings in force and where each comes from, secrets hidden. Changes nothing.',
  parameters: {},
  options: {},
  example: 'config',
  run: async () => {
    const loaded = loadSettings()
    const rows = describeSettings(loaded)
    const reasons = productionReasons(loaded.settings)
    const broken = productionErrors(loaded.settings, loaded.sources)
    const lines = [
      ...toTable([
        ['NAME', 'VALUE', 'SOURCE'],
        ...rows.map(({ name, value, source }) => [name, value, source]),
      ]),
      '',
      reasons.length === 0
        ? "Production's rules do not hold: the server can be reached from this machine only."
        : `Production's rules hold: ${reasons.join(' and ')}.`,
      ...broken.map(line => `Stops the start: ${line}`),
    ]
    return { text: lines.join('\n'), json: { settings: rows, production_rules: { reasons, broken } } }
  },
})

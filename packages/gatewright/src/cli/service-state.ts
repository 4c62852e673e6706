import type { Engine } from '../compose.ts'
import { defineCommand, type Result } from './command.ts'
import { withEngine } from './engine.ts'
import { getServiceByName, toServiceView } from './services.ts'

type State = 'disabled' | 'enabled'

/** What has that state already stays as it is, and that is no failure: a script may say it twice. */
const bringTo = async (engine: Engine, name: string, state: State): Promise<Result> => {
  const { disableService, enableService } = await import('../administration/services.ts')
  const { commandLineOrigin: origin } = await import('../audit/record.ts')
  const before = await getServiceByName(engine, name)
  const change = state === 'disabled' ? disableService : enableService
  const after = await change(engine, { serviceId: before.id, origin })
  const changed = toServiceView(before).state !== state
  return {
    text: changed ? `${after.name} is ${state}.` : `${after.name} was ${state} already.`,
    json: { changed, service: toServiceView(after) },
  }
}

export const serviceDisable = defineCommand({
  name: 'service disable',
  summary: 'Disables a service. All its API keys end at once, also in running servers.',
  parameters: { name: 'one' },
  options: {},
  example: 'service disable nightly-reports',
  run: ({ name }) => withEngine('must exist', engine => bringTo(engine, name, 'disabled')),
})

export const serviceEnable = defineCommand({
  name: 'service enable',
  summary: 'Enables a service again. API keys that have ended stay ended: it needs new ones.',
  parameters: { name: 'one' },
  options: {},
  example: 'service enable nightly-reports',
  run: ({ name }) => withEngine('must exist', engine => bringTo(engine, name, 'enabled')),
})

import type { Engine } from '../compose.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getServiceByName } from './services.ts'

type Asked = {
  readonly name: string
  readonly service: string
  readonly permissions: readonly string[]
  readonly addresses: readonly string[]
  readonly until: string | undefined
}

const checkName = async (name: string): Promise<void> => {
  const { checkForm } = await import('./check-form.ts')
  const { newKeyBody } = await import('../http/api-key-view.ts')
  const message = 'must be one line of 1 to 100 characters'
  await checkForm(newKeyBody.properties.name, name, { path: '/name', message })
}

const create = async (engine: Engine, { name, service, permissions, addresses, until }: Asked) => {
  const { makeApiKey } = await import('../administration/make-api-key.ts')
  const { toKeyView, toNewKey } = await import('../http/api-key-view.ts')
  const { commandLineOrigin: origin } = await import('../audit/record.ts')
  const owner = await getServiceByName(engine, service)
  const asked = toNewKey({ name, permissions, allowed_addresses: addresses, expires_at: until ?? null })
  const { key, row } = await makeApiKey(engine, { ownerId: owner.id, origin }, asked)
  const view = toKeyView(engine, row)
  const may = view.permissions.join(', ') || 'nothing that asks for a permission'
  const end = view.expires_at === null ? 'without an end' : `until ${view.expires_at}`
  return {
    text: `Made the key ${view.name} of ${owner.name}, id ${view.id}, ${end}. It may do: ${may}.\nIt is shown this once:\n${key}`,
    json: { api_key: { ...view, owner: owner.name }, key },
  }
}

export const apiKeyCreate = defineCommand({
  name: 'api-key create',
  summary:
    'Makes an API key for a service, and prints it this once. Users make their own keys themselves, over HTTP.',
  parameters: { name: 'one' },
  options: {
    service: { kind: 'text', value: 'name', required: true, describe: 'The service that it acts as.' },
    permission: {
      kind: 'texts',
      value: 'name',
      describe: 'What it may do, as far as the roles of the service allow it; may be repeated.',
    },
    address: {
      kind: 'texts',
      value: 'address',
      describe: 'Where it is taken from: an address or a range; may be repeated. Default: everywhere.',
    },
    until: {
      kind: 'text',
      value: 'time',
      describe: 'When it ends, such as 2027-11-22T12:00:00Z. Default: never.',
    },
  },
  example: 'api-key create nightly --service nightly-reports --permission users:read',
  run: async ({ name, service, permission: permissions, address: addresses, until }) => {
    await checkName(name)
    return withEngine('must exist', engine =>
      create(engine, { name, service, permissions, addresses, until }),
    )
  },
})

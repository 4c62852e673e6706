import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

export const apiKeyRevoke = defineCommand({
  name: 'api-key revoke',
  summary:
    'Revokes an API key: it is refused everywhere at once. While it is being replaced, the one in its place ends as well.',
  parameters: { id: 'one' },
  options: {},
  example: 'api-key revoke oYx0x9m1S1qVYfXh0b3n5A',
  run: async ({ id }) => {
    const { revokeApiKey } = await import('../administration/api-keys.ts')
    const { getOwnedKey } = await import('../api-keys/list-keys.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    const { name, username: owner } = await withEngine('must exist', async engine => {
      const key = await getOwnedKey(engine.db, id)
      await revokeApiKey(engine, { ownerId: key.user_id, keyId: id, origin })
      return key
    })
    return { text: `${name} of ${owner} is refused from now on.`, json: { id, name, owner } }
  },
})

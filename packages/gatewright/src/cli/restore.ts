import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'

export const restore = defineCommand({
  name: 'restore',
  summary:
    'Goes on with a database that was put back from a backup or copied: ends every session and API key, and replaces the signing keys.',
  parameters: {},
  options: {
    adopt: {
      kind: 'flag',
      describe: 'what stands in the database now is what to go on with; it can not be undone',
    },
  },
  example: 'restore --adopt',
  run: async ({ adopt }) => {
    if (!adopt) throw new WrongUse('put the backup in its place first, then write: restore --adopt')
    const { adoptDatabase } = await import('../administration/adopt-database.ts')
    const { listAdministrators } = await import('../administration/list-administrators.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    const { databaseFile, isPostgresUrl } = await import('../storage/database.ts')
    return withEngine(
      'must exist',
      async engine => {
        const { databaseUrl } = engine.settings
        const file = isPostgresUrl(databaseUrl) ? undefined : databaseFile(databaseUrl)
        const { sessions, apiKeys, keys } = await adoptDatabase(engine, { origin, file })
        const administrators = await listAdministrators(engine)
        return {
          text: `This database is the one to go on with. Sessions ended: ${sessions}; API keys ended: ${apiKeys}; signing keys replaced: ${keys}. Roles, passwords, disabled users, blocked issuers and linked identities are as the backup has them: look at those that were changed since. Administrators in it: ${administrators.join(', ') || 'none'}.`,
          json: {
            sessions_ended: sessions,
            api_keys_ended: apiKeys,
            signing_keys_replaced: keys,
            administrators,
          },
        }
      },
      { adopts: true },
    )
  },
})

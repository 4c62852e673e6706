import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

export const keyRevoke = defineCommand({
  name: 'key revoke',
  summary:
    'Revokes a signing key. Every access token that it signed ends at once, also in running servers; sessions go on.',
  parameters: { kid: 'one' },
  options: {},
  example: 'key revoke Q1RPzVZ0Tj2bD0cN7rXw3A',
  run: async ({ kid }) => {
    const { revokeKey } = await import('../administration/signing-keys.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => {
      const changed = await revokeKey(engine, { kid, origin })
      const active = (await engine.keyRing.getActive()).kid
      return {
        text: changed ? `${kid} is revoked. ${active} signs.` : `${kid} was gone already. ${active} signs.`,
        json: { changed, kid, active },
      }
    })
  },
})

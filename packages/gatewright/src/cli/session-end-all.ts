import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'

export const sessionEndAll = defineCommand({
  name: 'session end-all',
  summary:
    'Signs everybody out, at once, also in running servers: every session ends, and every signing key is replaced. API keys go on.',
  parameters: {},
  options: {
    everybody: { kind: 'flag', describe: 'yes, everybody; it can not be undone' },
  },
  example: 'session end-all --everybody',
  run: async ({ everybody }) => {
    if (!everybody) throw new WrongUse('it signs everybody out: write session end-all --everybody')
    const { endAllSessions } = await import('../administration/end-all-sessions.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    const { sessions, keys } = await withEngine('must exist', engine => endAllSessions(engine, origin))
    return {
      text: `Everybody is signed out. Sessions ended: ${sessions}; signing keys replaced: ${keys}.`,
      json: { sessions_ended: sessions, signing_keys_replaced: keys },
    }
  },
})

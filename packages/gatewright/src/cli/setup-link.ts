import type { Engine } from '../compose.ts'
import { toTimestamp } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

/** With `PORT=0` the port is known to the running server only. */
const baseOf = ({ publicUrl, settings }: Engine): string =>
  settings.port === 0 && settings.publicUrl === undefined ? publicUrl.replace(/:0$/, ':<port>') : publicUrl

export const setupLink = defineCommand({
  name: 'setup-link',
  summary: 'Prints a new link to make the first administrator, in place of one that is open.',
  parameters: {},
  options: {},
  example: 'setup-link',
  run: async () => {
    const { replaceSetupLink, toSetupAddress } = await import('../sign-in/setup-link.ts')
    const { commandLineOrigin } = await import('../audit/record.ts')
    return withEngine('is made', async engine => {
      const link = await replaceSetupLink(engine, commandLineOrigin)
      if (link.state === 'closed')
        throw new Refusal('conflict', {
          detail:
            'An administrator exists or has existed, so there is no set-up link any more. To make another administrator: gatewright user create --username <name> --role admin',
        })
      const address = toSetupAddress(baseOf(engine), link.token)
      return {
        text: `First administrator: ${address}\nIt works once, for 24 hours. A link made before opens nothing now.`,
        json: { setup_link: address, expires_at: toTimestamp(link.expiresAt) },
      }
    })
  },
})

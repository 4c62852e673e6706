import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

export const issuerBlock = defineCommand({
  name: 'issuer block',
  summary:
    'Refuses every access token of another issuer at once, also in running servers, whatever the settings say.',
  parameters: { issuer: 'one' },
  options: {},
  example: 'issuer block https://example.eu.auth0.com/',
  run: async ({ issuer }) => {
    const { blockIssuer } = await import('../administration/issuers.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => {
      const changed = await blockIssuer(engine, { issuer, origin })
      const isTrusted = engine.settings.trustedIssuers.some(entry => entry.issuer === issuer)
      const said = changed ? `${issuer} is blocked.` : `${issuer} was blocked already.`
      const hint = isTrusted ? '' : ' TRUSTED_ISSUERS does not name it: is it spelled as `iss` has it?'
      return { text: said + hint, json: { changed, issuer, in_settings: isTrusted } }
    })
  },
})

export const issuerUnblock = defineCommand({
  name: 'issuer unblock',
  summary: 'Takes access tokens of another issuer again, if TRUSTED_ISSUERS names it.',
  parameters: { issuer: 'one' },
  options: {},
  example: 'issuer unblock https://example.eu.auth0.com/',
  run: async ({ issuer }) => {
    const { unblockIssuer } = await import('../administration/issuers.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    const changed = await withEngine('must exist', engine => unblockIssuer(engine, { issuer, origin }))
    return {
      text: changed ? `${issuer} is no longer blocked.` : `${issuer} was not blocked.`,
      json: { changed, issuer },
    }
  },
})

import type { KnownIssuer } from '../administration/issuers.ts'
import { toTimestampOrNull } from '../ground/clock.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'

const toView = ({ issuer, entry, blockedAt, linked }: KnownIssuer) => ({
  issuer,
  in_settings: entry !== undefined,
  audience: entry?.audience ?? null,
  local_user: entry?.localUser ?? null,
  linked,
  blocked_at: toTimestampOrNull(blockedAt ?? null),
})

const toRow = (known: KnownIssuer): readonly string[] => {
  const { issuer, in_settings, local_user, linked, blocked_at } = toView(known)
  return [issuer, in_settings ? 'yes' : 'no', local_user ?? '', String(linked), blocked_at ?? '']
}

export const issuerList = defineCommand({
  name: 'issuer list',
  summary: 'Lists the other issuers whose access tokens are taken, and those that are blocked.',
  parameters: {},
  options: {},
  example: 'issuer list',
  run: async () => {
    const { listIssuers } = await import('../administration/issuers.ts')
    const issuers = await withEngine('must exist', ({ db, settings }) =>
      listIssuers(db, settings.trustedIssuers),
    )
    const head = ['ISSUER', 'IN SETTINGS', 'LOCAL USER', 'LINKED', 'BLOCKED SINCE']
    return {
      text:
        issuers.length === 0
          ? 'TRUSTED_ISSUERS names none, and none is blocked.'
          : toTable([head, ...issuers.map(toRow)]).join('\n'),
      json: { issuers: issuers.map(toView) },
    }
  },
})

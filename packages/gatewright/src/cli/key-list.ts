import { toSigningKeyView } from '../administration/show-signing-key.ts'
import type { SigningKeyRow } from '../storage/tables.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'

const toRow = (row: SigningKeyRow): readonly string[] => {
  const { kid, algorithm, state, published_at, activated_at, retired_at, revoked_at } = toSigningKeyView(row)
  const shown = revoked_at === null ? state : 'revoked'
  return [kid, algorithm, shown, published_at, activated_at ?? '', retired_at ?? revoked_at ?? '']
}

export const keyList = defineCommand({
  name: 'key list',
  summary: 'Lists the keys that sign access tokens, newest first, with those that are gone for 90 days.',
  parameters: {},
  options: {},
  example: 'key list',
  run: async () => {
    const { listKeys } = await import('../administration/signing-keys.ts')
    const keys = await withEngine('must exist', ({ db }) => listKeys(db))
    const head = ['KID', 'ALGORITHM', 'STATE', 'PUBLISHED', 'SIGNS SINCE', 'RETIRED OR REVOKED']
    return {
      text: toTable([head, ...keys.map(toRow)]).join('\n'),
      json: { keys: keys.map(toSigningKeyView) },
    }
  },
})

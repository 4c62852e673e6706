import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../postgres/server.ts'
import type { Owner } from './installation.ts'

/** An empty database of a proof's own. */
export type KeyDatabase = { readonly url: string }

export const openKeysOnSqlite = async (owner: Owner): Promise<KeyDatabase> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-keys-'))
  owner.after(async () => rmSync(folder, { recursive: true, force: true }))
  return { url: `sqlite:${join(folder, 'proof.db')}` }
}

export const openKeysOnPostgres = async (owner: Owner): Promise<KeyDatabase> => {
  const { url, stop } = await startPostgres()
  owner.after(stop)
  return { url }
}

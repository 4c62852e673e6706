import type { Engine } from '../compose.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

/** The role that owns the tables deletes: that of DATABASE_ADMIN_URL, where there is another one. */
const openOwner = async ({ db, settings: { databaseAdminUrl } }: Engine) => {
  if (databaseAdminUrl === undefined) return { owner: db, close: async () => {} }
  const { openDatabase } = await import('../storage/database.ts')
  const owner = openDatabase(databaseAdminUrl, { pool: 1 })
  return { owner, close: () => owner.destroy() }
}

const prune = async (engine: Engine) => {
  const { deletePruned, mayPrune, recordPruning } = await import('../sealing/prune.ts')
  const { inTransaction } = await import('../storage/transaction.ts')
  const { commandLineOrigin: origin } = await import('../audit/record.ts')
  const { Refusal } = await import('../ground/refusal.ts')
  const before = engine.clock.now() - engine.settings.auditRetention
  const { owner, close } = await openOwner(engine)
  try {
    if (!(await mayPrune(owner)))
      throw new Refusal('insufficient_permission', {
        detail:
          'The role of DATABASE_URL may not delete audit events: write DATABASE_ADMIN_URL, the address as the role that owns them.',
      })
    await engine.sealer.look()
    for (let deleted = 0, to: number | undefined; ; ) {
      const rows = await inTransaction(owner, work => deletePruned(work, before))
      deleted += rows
      if (rows > 0) continue
      const next = await inTransaction(engine.db, work => recordPruning(engine, work, { before, origin }))
      if (next === undefined) return { deleted, to }
      to = next
    }
  } finally {
    await close()
  }
}

export const auditPrune = defineCommand({
  name: 'audit prune',
  summary:
    'Deletes audit events older than AUDIT_RETENTION, from the beginning of the chain, and leaves a signed record of it. Servers do it by themselves where one role does all.',
  parameters: {},
  options: {},
  example: 'audit prune',
  run: async () => {
    const { deleted, to } = await withEngine('must exist', prune)
    return {
      text:
        deleted === 0
          ? 'Nothing is older than AUDIT_RETENTION.'
          : `${deleted} audit events were deleted; the chain begins behind position ${to ?? 'where it began'}.`,
      json: { deleted, to: to ?? null },
    }
  },
})

import type { Clock } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database, InstallationRow } from './tables.ts'
import type { Work } from './transaction.ts'

/**
 * Makes the one row that says what this database is, where it is not there yet. Of two that start at once
 * on an empty database, with a secret each, the later one finds that when it registers.
 */
export const ensureInstallation = async ({
  db,
  secrets,
  clock,
  random,
}: {
  readonly db: Database
  readonly secrets: Secrets
  readonly clock: Clock
  readonly random: Random
}): Promise<void> => {
  await db
    .insertInto('installation')
    .values({
      id: 1,
      epoch: newId(random),
      secret_id: secrets.newestId,
      first_administrator_at: null,
      created_at: clock.now(),
    })
    .onConflict(conflict => conflict.column('id').doNothing())
    .execute()
  await db
    .updateTable('installation')
    .set({ uses_noted_since: clock.now() })
    .where('uses_noted_since', 'is', null)
    .execute()
}

/** The random id of this database. */
export const readEpoch = async (db: Database): Promise<string> => {
  const { epoch } = await db.selectFrom('installation').select('epoch').executeTakeFirstOrThrow()
  return epoch
}

/**
 * Locks the one row until the transaction ends: of all who count administrators or signing keys, or ask
 * whether there were any, one at a time goes on.
 */
export const lockInstallation = ({ db, beforeLock }: Work): Promise<InstallationRow> => {
  beforeLock('installation')
  return db.selectFrom('installation').selectAll().forNoKeyUpdate().executeTakeFirstOrThrow()
}

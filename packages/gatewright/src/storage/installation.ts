import type { Clock } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import { checkHolds, findSecretId } from './open-secrets.ts'
import type { Database } from './tables.ts'
import type { Work } from './transaction.ts'

/** Makes the one row that says what this database is, where it is not there yet. */
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
  // Of two that start at once on an empty database, with a secret each, one is too late.
  checkHolds(secrets, await findSecretId(db))
}

/** Whoever counts or chooses among all rows of a table first locks this one: two who do so wait for each other. */
export const lockInstallation = async ({ db }: Pick<Work, 'db'>): Promise<void> => {
  await db.updateTable('installation').set({ id: 1 }).where('id', '=', 1).execute()
}

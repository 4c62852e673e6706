import type { Clock } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database } from './tables.ts'

/**
 * Makes the one row that says what this database is, or checks it: a database that rests on another
 * secret stops the start, so that no second set of keys is made over the first.
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
  const { secret_id } = await db.selectFrom('installation').select('secret_id').executeTakeFirstOrThrow()
  if (!secrets.ids.includes(secret_id))
    throw new Error(
      `the database was made with the secret ${secret_id}, which GATEWRIGHT_SECRET does not hold: add that secret to the list`,
    )
}

import type { Random } from '../ground/random.ts'
import { createSecrets, type Secrets } from '../ground/secrets.ts'
import { makeSecretFile, readSecretFile } from './secret-file.ts'
import type { Database } from './tables.ts'

type Input = {
  readonly db: Database
  /** `GATEWRIGHT_SECRET`, newest first; undefined outside production, where one is made and kept. */
  readonly configured: readonly string[] | undefined
  readonly folder: string
  readonly random: Random
}

/** What to write where the database rests on a secret that a process does not hold. */
export const explainMissing = (secretId: string, what: string): string =>
  `the database rests on the secret ${secretId}, which is not here (${what}): add that secret to GATEWRIGHT_SECRET, behind the new one and a comma, or put its file back into the data folder`

/**
 * The secrets that this process holds. One is made only together with a new database, never over another
 * that was lost. Whether they are those of the database is asked when the process registers.
 */
export const openSecrets = async ({ db, configured, folder, random }: Input): Promise<Secrets> => {
  const kept = readSecretFile(folder)
  const texts = configured ?? (kept === undefined ? [] : [kept])
  if (texts.length > 0) return createSecrets(texts, random)
  const installation = await db.selectFrom('installation').select('secret_id').executeTakeFirst()
  if (installation !== undefined)
    throw new Error(explainMissing(installation.secret_id, 'values are made with it'))
  return createSecrets([makeSecretFile(folder, random)], random)
}

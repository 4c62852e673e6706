import type { Random } from '../ground/random.ts'
import { createSecrets, parseSecret, type Secrets } from '../ground/secrets.ts'
import { makeSecretFile, readSecretFile, secretFile } from './secret-file.ts'
import type { Database } from './tables.ts'

type Input = {
  readonly db: Database
  /** `GATEWRIGHT_SECRET`, newest first; undefined outside production, where one is made and kept. */
  readonly configured: readonly string[] | undefined
  readonly folder: string
  readonly random: Random
}

/** The secret that the database was made with; undefined where it is new. */
export const findSecretId = async (db: Database): Promise<string | undefined> =>
  (await db.selectFrom('installation').select('secret_id').executeTakeFirst())?.secret_id

/** @throws Error where the secret `needed` is not among them */
export const checkHolds = (secrets: Secrets | undefined, needed: string | undefined): Secrets => {
  if (needed !== undefined && secrets?.ids.includes(needed)) return secrets
  throw new Error(
    `the database was made with the secret ${needed}, which is not here: add that secret to GATEWRIGHT_SECRET, or put its file back into the data folder`,
  )
}

/** The secret that a start made and kept. @throws Error that names the file where it holds something else */
const readKept = (folder: string): string | undefined => {
  const kept = readSecretFile(folder)
  if (kept === undefined || parseSecret(kept) !== undefined) return kept
  throw new Error(`${secretFile(folder)} holds no secret (32 bytes in base64url): put the right file back`)
}

/**
 * The secrets in force. A secret is made only together with a new database: one that rests on a secret
 * which is not there stops the start, and no second secret is made over the first.
 */
export const openSecrets = async ({ db, configured, folder, random }: Input): Promise<Secrets> => {
  const needed = await findSecretId(db)
  const kept = configured === undefined ? readKept(folder) : undefined
  const texts = configured ?? (kept === undefined ? [] : [kept])
  if (needed === undefined)
    return createSecrets(texts.length > 0 ? texts : [makeSecretFile(folder, random)], random)
  return checkHolds(texts.length > 0 ? createSecrets(texts, random) : undefined, needed)
}
